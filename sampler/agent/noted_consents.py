"""The consent as the agent sees it: each act is in the journal before anything happens under it.

So both chains hold each other: the acts cannot be set back to an earlier state without the journal telling of it. That
a consent expired is noted as well, so that the moment is past for good, whatever the machine's clock says later.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from sampler.agent.consent_acts import ConsentAct
from sampler.agent.consents import ConsentStore
from sampler.journal import Journal, JournalReader
from sampler.permit import Consent
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_CONSENT: Final = "consent"
_WITHDRAWN: Final = "withdrawn"
_EXPIRED: Final = "expired"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a journal says last of the consent."""

    digest: str = ""
    """Of the act; empty: it knows of none."""
    expired: bool = False
    """Whether it says that the consent expired."""

    @classmethod
    def last_of(cls, reader: JournalReader) -> Noted:
        """From the newest entry about a consent.

        Raises:
            JournalError: the journal cannot be read.
        """
        entries = reader.entries(newest_first=True, wanted=lambda kind, _, __: kind in (_CONSENT, _WITHDRAWN))
        for entry in entries:
            return cls(str(entry.document.get("digest", "")), entry.document.get("act") == _EXPIRED)
        return cls()


class NotedConsents(ConsentStore):
    """A store whose every reader first has the journal note what is new. Blocking; any thread may call it."""

    def __init__(self, folder: Path, journal: Journal, clock: Clock, noted: Noted) -> None:
        """``noted`` is what the journal says already."""
        super().__init__(folder, lambda: self._noted.digest)
        self._journal = journal
        self._clock = clock
        self._noted = noted
        self._noting = threading.Lock()

    def load(self) -> Consent | None:
        """As ``ConsentStore.load``; what it says is in the journal when this returns.

        Raises:
            ConsentError: it is damaged, or older than what the journal saw; it counts as absent.
            JournalError: the journal cannot be written; nothing may happen under the consent.
        """
        consent = super().load()
        with self._noting:
            acts = self.acts()
            self._note_acts(acts)
            if consent is not None and consent.scopes and not consent.stands(self._clock.now()):
                self._note_expiry(acts[-1])
        return consent

    def _note_acts(self, acts: tuple[ConsentAct, ...]) -> None:
        digests = [act.digest for act in acts]
        known = digests.index(self._noted.digest) + 1 if self._noted.digest in digests else 0
        for act in acts[known:]:
            self._note(_WITHDRAWN if act.kind.takes_back else _CONSENT, act.kind.value, act)
            self._noted = Noted(act.digest)

    def _note_expiry(self, act: ConsentAct) -> None:
        if not self._noted.expired:
            self._note(_WITHDRAWN, _EXPIRED, act)
            self._noted = Noted(act.digest, expired=True)

    def _note(self, kind: str, what: str, act: ConsentAct) -> None:
        self._journal.append(kind, "", self._clock.now(), {"act": what, **_document(act)})
        log.info("the consent changed", act=what, by=act.by, statement=act.consent.statement.id)


def _document(act: ConsentAct) -> dict[str, Any]:
    consent = act.consent
    statement = consent.statement
    return {
        "number": act.number,
        "digest": act.digest,
        "by": act.by,
        "at": act.at,
        "statement": {"id": statement.id, "version": statement.version, "digest": statement.digest},
        "scopes": sorted(consent.scopes),
        "withdrawn": sorted(consent.withdrawn),
        "expires": consent.expires,
        "signer": act.signer,
    }
