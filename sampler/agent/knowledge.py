"""What a host does with what is known of an object: it ends it without sending, and tells the administrator's command.

Asked in this order, from what says nothing to anybody to what says little: verdicts that this host remembers; the list
of known good files that it holds; the queue, by the first bits of the object's hash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import structlog

from sampler.agent.deciding import Decider
from sampler.agent.known_good import KnownGood
from sampler.agent.lookup import LookUp
from sampler.agent.on_verdict import VerdictCaller
from sampler.agent.verdicts import Verdicts, known_record, may_be_known
from sampler.errors import ConsentError, DeliveryError, JournalError, StorageError
from sampler.journal import Journal
from sampler.model import Candidate, Finding, KnownFrom, KnownVerdict, LookUpRefusal, ObjectRecord, Verdict
from sampler.runtime.blocking import off_loop
from sampler.spool import Spool

log = structlog.get_logger()

_TEND_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Answers for objects in place of sending them."""

    verdicts: Verdicts
    caller: VerdictCaller
    spool: Spool
    journal: Journal
    good: KnownGood | None = None
    """``None`` where it is switched off."""
    lookup: LookUp | None = None
    """``None`` while no queue is configured."""

    async def answer(
        self, candidate: Candidate, record: ObjectRecord, finding: Finding, decider: Decider
    ) -> ObjectRecord | None:
        """The object's end, durable, where it is known what it is; ``None``: it is to be decided about and sent.

        Args:
            candidate: the object.
            record: of it, as far as it goes.
            finding: what is known of it.
            decider: says whether anything of it may leave at all.

        Raises:
            JournalError, SpoolError: the end cannot be written down; nothing is to be acknowledged.
        """
        if not may_be_known(candidate):
            return None
        known = await off_loop(self._here, finding)
        if known is None and self.lookup is not None:
            known = await self.lookup.about(finding, decider)
        if known is None:
            return None
        try:
            ended = await off_loop(self._end, record, known)
        except StorageError as error:
            log.warning("a known object is sent all the same", event_id=record.event_id, error=str(error))
            return None
        self.caller.wake()
        return ended

    async def find(self, sha256: str, *, local: bool) -> KnownVerdict | LookUpRefusal | None:
        """What is known of a file that nobody flagged, or why the queue could not be asked."""
        known = await off_loop(self.verdicts.find, sha256)
        if known is None and self.good is not None:
            known = await off_loop(self.good.find, sha256)
        if known is not None or local:
            return known
        if self.lookup is None:
            return LookUpRefusal("no queue", "no queue is configured; run sampler agent enroll")
        try:
            return await self.lookup.ask(sha256)
        except (DeliveryError, ConsentError, JournalError) as error:
            return LookUpRefusal("not answered", str(error))

    def tell(self, record: ObjectRecord, verdict: Verdict) -> None:
        """The queue's verdict about something that was sent: remember it, and owe the command its call. Blocking.

        Raises:
            StorageError: the call cannot be noted, so the verdict must come once more.
        """
        self.verdicts.remember(record, verdict)
        self.caller.owe(record, verdict, KnownFrom.QUEUE)

    async def tend(self) -> None:
        """Let go of verdicts that have expired, and of calls that ended long ago, until cancelled."""
        while True:
            await off_loop(self.verdicts.forget)
            await off_loop(self.caller.forget)
            await self.verdicts.clock.sleep(_TEND_SECONDS)

    def _here(self, finding: Finding) -> KnownVerdict | None:
        """What this host knows without asking anybody."""
        known = self.verdicts.about(finding)
        return self.good.about(finding) if known is None and self.good is not None else known

    def _end(self, record: ObjectRecord, known: KnownVerdict) -> ObjectRecord:
        """(1) the journal, (2) the call, (3) the record: a crash in between repeats the former and loses none."""
        ended = replace(known_record(record, known), updated=self.verdicts.clock.now())
        document = {"reason": ended.reason, "detail": ended.detail, "source": known.source}
        self.journal.append("known", ended.event_id, ended.updated, document)  # (1)
        self.caller.owe(ended, known.verdict, known.source)  # (2)
        self.spool.record(ended)  # (3)
        return ended
