"""The owner's consent on disk: ``consent.json``, the chain of acts that led to it, and each statement ever accepted.

Statements are named by their digest and stay, so that what was sent under an older one can still be explained. The
consent is written last: it never stands without its statement, nor without the act that gave it. Whatever is damaged,
or does not agree with the last act, counts as absent.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

from sampler.agent.consent_acts import (
    SHIPPED,
    ActKind,
    ConsentAct,
    check_witnessed,
    line_after,
    parse_acts,
)
from sampler.agent.consent_files import open_lock, read_owned, write_for_all
from sampler.errors import ConsentError
from sampler.limits import CONSENT_ACTS_MAX_BYTES, CONSENT_MAX_BYTES, STATEMENT_MAX_BYTES
from sampler.model import Scope, StatementRef
from sampler.permit import (
    Consent,
    Statement,
    check_successor,
    decode_consent,
    encode_consent,
    parse_statement,
    shipped_names,
    shipped_statement,
)

T = TypeVar("T")

_ROOM_TO_WITHDRAW_BYTES: Final = CONSENT_MAX_BYTES
"""Of the acts, so that there is always room to take a consent back."""
_READINGS_MAX_COUNT: Final = 5
_BETWEEN_READINGS_SECONDS: Final = 0.02
_parsed = lru_cache(maxsize=8)(parse_statement)
"""Files are read each time, and what the same bytes say is remembered: parsing them took longer than all of permit."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What somebody agrees to."""

    statement: Statement
    scopes: frozenset[Scope]
    by: str
    expires: datetime | None = None
    signer: str = SHIPPED
    """Who vouches for the statement."""


class ConsentStore:
    """Reads and writes the consent of one machine in ``folder``, which exists. Blocking.

    ``witness`` gives the digest of the last act that the journal saw, empty for none; only those who change the consent
    or look at all of it ask for it.
    """

    def __init__(self, folder: Path, witness: Callable[[], str] = str) -> None:
        self._folder = folder
        self._witness = witness

    def load(self) -> Consent | None:
        """The consent as it stands; ``None``: none was ever given. One without scopes was withdrawn.

        Raises:
            ConsentError: it is damaged, others can write it, or its last act was another; it counts as absent.
        """
        return self._sound(self._agreed)

    def acts(self) -> tuple[ConsentAct, ...]:
        """Everything that was done with it, oldest first.

        Raises:
            ConsentError: the chain is damaged, or lacks what the journal saw; the consent counts as absent.
        """
        acts = self._sound(self._chain)
        self._sound(lambda: check_witnessed(acts, self._witness()))
        return acts

    def accept(self, given: Acceptance, now: datetime) -> Consent:
        """Note an acceptance, in place of any consent before.

        Raises:
            ConsentError: there is no such scope in the statement, none at all was named, the statement is older than
                the accepted one or can no longer be accepted, or nothing can be written. What stood before stands.
        """
        _check_scopes(given)
        try:
            consent = Consent(given.statement.ref, given.scopes, given.by, now, given.expires)
        except ValueError as error:
            raise ConsentError(f"not accepted: {error}") from error
        with self._alone():
            kept = self._set_aside_if_damaged()
            before, standing = self._before()
            check_successor(before, standing, given.statement, now)
            kind = ActKind.RENEWED if _renews(before, consent) else ActKind.ACCEPTED
            self._keep(given.statement)
            self._act(ConsentAct(kind, now, consent, given.signer, kept))
        return consent

    def carry(self, consent: Consent, statement: Statement, now: datetime, *, signer: str = SHIPPED) -> None:
        """Note that the consent went over to a newer statement that only narrows (``permit.carried``).

        Raises:
            ConsentError: something is damaged or cannot be written.
        """
        with self._alone():
            self._keep(statement)
            self._act(ConsentAct(ActKind.CARRIED, now, consent, signer))

    def withdraw(self, scopes: frozenset[Scope] | None, by: str, now: datetime) -> Consent | None:
        """Take these scopes back, or all of them; the consent that is left, ``None`` if none was given.

        Raises:
            ConsentError: the consent is damaged (it counts as absent already) or cannot be written.
        """
        with self._alone():
            consent = self._sound(self._agreed)
            if consent is None:
                return None
            left = consent.without(scopes, by, now)
            if left != consent:
                kind = ActKind.NARROWED if left.scopes else ActKind.WITHDRAWN
                self._act(ConsentAct(kind, now, left, self._chain()[-1].signer))
        return left

    def statement(self) -> Statement:
        """The statement that the consent is for; while there is no consent, the narrowest that ships.

        Raises:
            ConsentError: consent or statement is damaged; the consent counts as absent.
        """
        consent = self.load()
        if consent is None:
            return shipped_statement(shipped_names()[0])
        return self._sound(lambda: self._accepted(consent.statement))

    def statement_of(self, digest: str) -> Statement:
        """A statement that was accepted at some time, by its digest.

        Raises:
            ConsentError: it is not here, or damaged.
        """
        statement = _parsed(
            read_owned(self._named(digest, "toml"), STATEMENT_MAX_BYTES),
            read_owned(self._named(digest, "md"), STATEMENT_MAX_BYTES),
        )
        if statement.digest != digest:
            raise ConsentError(f"{self._folder}: the files of statement {digest[:16]} are not those that were accepted")
        return statement

    def _agreed(self) -> Consent | None:
        """Consent and last act, read until they agree: somebody may be writing the one after the other."""
        for _ in range(_READINGS_MAX_COUNT):
            acts, consent = self._chain(), self._standing()
            if consent == (acts[-1].consent if acts else None):
                return consent
            time.sleep(_BETWEEN_READINGS_SECONDS)
        raise ConsentError("it is not what the last act left")

    def _standing(self) -> Consent | None:
        if not os.path.lexists(self._consent):
            return None
        return decode_consent(read_owned(self._consent, CONSENT_MAX_BYTES))

    def _chain(self) -> tuple[ConsentAct, ...]:
        return parse_acts(self._lines())

    def _lines(self) -> bytes:
        if not os.path.lexists(self._acts):
            return b""
        data = read_owned(self._acts, CONSENT_ACTS_MAX_BYTES)
        if len(data) > CONSENT_ACTS_MAX_BYTES:
            raise ConsentError(f"{self._acts}: more than {CONSENT_ACTS_MAX_BYTES} bytes")
        return data

    def _before(self) -> tuple[Consent | None, Statement]:
        """What a new acceptance is held against; a statement that is damaged holds nothing up."""
        chain = self._chain()
        consent = chain[-1].consent if chain else None
        try:
            if consent is not None:
                return consent, self._accepted(consent.statement)
        except ConsentError:
            consent = None
        return consent, shipped_statement(shipped_names()[0])

    def _accepted(self, ref: StatementRef) -> Statement:
        statement = self.statement_of(ref.digest)
        if statement.ref != ref:
            raise ConsentError(f"the statement is {statement}, another was accepted")
        return statement

    def _keep(self, statement: Statement) -> None:
        write_for_all(self._named(statement.digest, "toml"), statement.data)
        write_for_all(self._named(statement.digest, "md"), statement.text.encode())

    def _act(self, act: ConsentAct) -> None:
        lines = self._lines()
        whole = lines + line_after(parse_acts(lines), act)
        room = 0 if act.kind.takes_back else _ROOM_TO_WITHDRAW_BYTES
        if len(whole) + room > CONSENT_ACTS_MAX_BYTES:
            raise ConsentError(f"{self._acts}: is full; move it away, keep it, and accept anew")
        write_for_all(self._acts, whole)
        write_for_all(self._consent, encode_consent(act.consent))

    def _set_aside_if_damaged(self) -> str:
        """Make room for a new chain where the old one does not hold; the name that the old one is kept under."""
        try:
            check_witnessed(self._chain(), self._witness())
        except ConsentError:
            names = (f"acts.damaged-{number}" for number in range(1, 1 << 20))
            kept = next(name for name in names if not os.path.lexists(self._folder / name))
            self._move(self._acts, self._folder / kept)
            return kept
        return ""

    def _move(self, old: Path, new: Path) -> None:
        try:
            if os.path.lexists(old):
                old.rename(new)
        except OSError as error:
            raise ConsentError(f"{old}: cannot be moved away: {error}; what stood before still stands") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time changes the consent."""
        descriptor = open_lock(self._folder / "acts.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ConsentError(f"{self._folder}: somebody else changes the consent now; try again") from error
        finally:
            os.close(descriptor)

    @property
    def _consent(self) -> Path:
        return self._folder / "consent.json"

    @property
    def _acts(self) -> Path:
        return self._folder / "acts.jsonl"

    def _named(self, digest: str, ending: str) -> Path:
        return self._folder / f"statement-{digest}.{ending}"

    def _sound(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ConsentError as error:
            raise ConsentError(
                f"{self._consent}: damaged, so it counts as absent and nothing leaves this machine: {error}; "
                "accept anew with: sampler consent accept"
            ) from error


def _check_scopes(given: Acceptance) -> None:
    statement = given.statement
    if not given.scopes or not given.scopes <= statement.scopes:
        known = ", ".join(sorted(statement.scopes))
        raise ConsentError(f"statement {statement.id} can be accepted in these scopes, at least one of them: {known}")


def _renews(before: Consent | None, consent: Consent) -> bool:
    return (
        before is not None
        and before.statement.id == consent.statement.id
        and before.statement.version != consent.statement.version
    )
