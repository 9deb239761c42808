"""What was ever done with a machine's consent: one line an act, each sealed over the one before, as in the journal.

A line holds the whole consent as it stood after the act, so that what is in force can be held against it. The chain
shows that a line was changed, removed or put in; that all of it was exchanged shows the journal, which names its last
line. Nothing here reads or writes a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from sampler.errors import ConsentError
from sampler.journal.lines import FIRST_PREVIOUS, JournalEntry, read_line, write_line
from sampler.permit import Consent, consent_from_plain, consent_to_plain

SHIPPED: Final = "sampler"
"""Stands for the signer of a statement that ships with the program."""


class ActKind(StrEnum):
    """What somebody, or the agent in somebody's name, did with the consent."""

    ACCEPTED = "accepted"
    RENEWED = "renewed"
    """Another version of the statement was accepted in place of the one before."""
    CARRIED = "carried"
    """A newer version only narrows, so the consent went over to it."""
    NARROWED = "narrowed"
    """Some scopes were withdrawn."""
    WITHDRAWN = "withdrawn"
    """All of it."""

    @property
    def takes_back(self) -> bool:
        """Whether less may leave after it, by somebody's will."""
        return self in (ActKind.NARROWED, ActKind.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class ConsentAct:
    """One act, and the consent that it left."""

    kind: ActKind
    at: datetime
    """UTC."""
    consent: Consent
    signer: str
    """Who vouches for the statement: ``SHIPPED``, or the identifier of a key."""
    kept: str = ""
    """The file that a damaged chain before this one was moved to; of a first act only."""
    number: int = 0
    digest: str = FIRST_PREVIOUS

    @property
    def by(self) -> str:
        """Whose act it was."""
        withdrawn_by = self.consent.withdrawn_by if self.kind.takes_back else None
        return withdrawn_by or self.consent.by


def line_after(acts: tuple[ConsentAct, ...], act: ConsentAct) -> bytes:
    """The line that continues the chain with an act."""
    number, previous = (acts[-1].number, acts[-1].digest) if acts else (0, FIRST_PREVIOUS)
    document = {"consent": consent_to_plain(act.consent), "signer": act.signer, "kept": act.kept}
    return write_line(number + 1, act.at, act.kind, "", document, previous=previous)[0]


@lru_cache(maxsize=4)
def parse_acts(data: bytes) -> tuple[ConsentAct, ...]:
    """The acts of a chain, oldest first.

    Raises:
        ConsentError: a line is not as it was written, or does not continue the one before it.
    """
    acts: list[ConsentAct] = []
    previous = FIRST_PREVIOUS
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            entry = read_line(line)
        except ValueError as error:
            raise ConsentError(f"act {number}: {error}") from error
        if (entry.number, entry.previous) != (number, previous):
            raise ConsentError(f"act {number} does not continue the one before it")
        acts.append(_act(entry))
        previous = entry.digest
    return tuple(acts)


def check_witnessed(acts: tuple[ConsentAct, ...], digest: str) -> None:
    """Whether the chain still has the act that the journal saw last; a repaired chain began anew.

    Raises:
        ConsentError: it is not there any more: an older state was put in the place of the later one.
    """
    if not digest or any(act.digest == digest for act in acts) or (acts and acts[0].kept):
        return
    raise ConsentError(f"the journal saw act {digest[:16]}, which is not there any more")


def _act(entry: JournalEntry) -> ConsentAct:
    signer, kept = entry.document.get("signer"), entry.document.get("kept")
    if entry.kind not in list(ActKind) or not isinstance(signer, str) or not isinstance(kept, str):
        raise ConsentError(f"act {entry.number}: there is no act {entry.kind!r} of such a form")
    consent = consent_from_plain(entry.document.get("consent"))
    return ConsentAct(ActKind(entry.kind), entry.at, consent, signer, kept, entry.number, entry.digest)
