"""What this host remembers of verdicts: each answers for the same bytes until it expires.

Only what was flagged by a scanner or collected by a policy is answered so: what a person submits, or trusts, is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from sampler.errors import StorageError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import (
    Candidate,
    Conclusion,
    Finding,
    KnownFrom,
    KnownVerdict,
    ObjectRecord,
    ObjectState,
    Reason,
    Subject,
    Verdict,
)
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_ANSWERED: Final = frozenset({Reason.DETECTION, Reason.POLICY})


class KnownLedger(Protocol):
    """Verdicts by hash (``storage.SqliteKnown`` is one). Any method may raise ``StorageError``."""

    def put(self, known: KnownVerdict) -> None:
        """Keep it in place of an older one about the same bytes."""

    def get(self, sha256: str) -> KnownVerdict | None:
        """What is known of these bytes, expired or not."""

    def forget(self, now: datetime) -> int:
        """Let go of what has expired; how many."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Remembers and answers. Blocking. What cannot be read or written is not known: the object is sent."""

    ledger: KnownLedger
    clock: Clock
    max_seconds: float
    """0: nothing is remembered."""

    def remember(self, record: ObjectRecord, verdict: Verdict) -> None:
        """Keep what the queue concluded about an object of this host, where it said for how long."""
        if record.sha256 is not None and verdict.expires is not None:
            self.keep(KnownVerdict(record.sha256, verdict, KnownFrom.QUEUE, verdict.expires, record.sampling))

    def keep(self, known: KnownVerdict) -> None:
        """Keep a verdict, no longer than this host believes one; what answers for nothing is not kept."""
        now = self.clock.now()
        known = replace(known, expires=min(known.expires, now + timedelta(seconds=self.max_seconds)))
        if known.expires <= now or known.verdict.conclusion is Conclusion.UNKNOWN:
            return
        try:
            self.ledger.put(known)
        except StorageError as error:
            log.warning("a verdict is not remembered", sha256=known.sha256, error=str(error))

    def find(self, sha256: str) -> KnownVerdict | None:
        """What is known of these bytes and has not expired."""
        if not self.max_seconds:
            return None
        try:
            known = self.ledger.get(sha256)
        except StorageError as error:
            log.warning("remembered verdicts cannot be read", error=str(error))
            return None
        return known if known is not None and self.clock.now() < known.expires else None

    def forget(self) -> None:
        """Let go of what has expired."""
        try:
            self.ledger.forget(self.clock.now())
        except StorageError as error:
            log.warning("expired verdicts stay", error=str(error))

    def about(self, finding: Finding) -> KnownVerdict | None:
        """What answers for an object in place of sending as much of it as is asked for."""
        known = self.find(finding.sha256)
        return known if known is not None and known.answers(finding.plan.sampling, self.clock.now()) else None


def may_be_known(candidate: Candidate) -> bool:
    """Whether an object need not be sent where it is known what it is."""
    return candidate.reason in _ANSWERED and candidate.subject is Subject.FILE and candidate.answers is None


def known_record(record: ObjectRecord, known: KnownVerdict) -> ObjectRecord:
    """The record of an object that is not sent since it is known."""
    said, until = known.verdict, f"{known.expires:%Y-%m-%dT%H:%M:%SZ}"
    what = f"{said.conclusion} ({said.score}) by {said.analyzer}, known from {known.source} until {until}"
    why = f"nothing was sent: {what}"
    return replace(record, state=ObjectState.KNOWN, detail=why[:TEXT_MAX_CHARACTERS], verdict=said)
