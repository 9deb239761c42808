"""What a host does with what is known of an object: it ends it without sending, and tells the administrator's command.

Asked in this order, from what says nothing to anybody to what says little: verdicts that this host remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import structlog

from sampler.agent.on_verdict import VerdictCaller
from sampler.agent.verdicts import Verdicts, known_record
from sampler.errors import StorageError
from sampler.journal import Journal
from sampler.model import Candidate, Finding, KnownFrom, KnownVerdict, ObjectRecord, Verdict
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

    async def answer(self, candidate: Candidate, record: ObjectRecord, finding: Finding) -> ObjectRecord | None:
        """The object's end, durable, where it is known what it is; ``None``: it is to be decided about and sent.

        Args:
            candidate: the object.
            record: of it, as far as it goes.
            finding: what is known of it.

        Raises:
            JournalError, SpoolError: the end cannot be written down; nothing is to be acknowledged.
        """
        known = await off_loop(self.verdicts.about, candidate, finding)
        if known is None:
            return None
        try:
            ended = await off_loop(self._end, record, known)
        except StorageError as error:
            log.warning("a known object is sent all the same", event_id=record.event_id, error=str(error))
            return None
        self.caller.wake()
        return ended

    def tell(self, record: ObjectRecord, verdict: Verdict) -> None:
        """The queue's verdict about something that was sent: remember it, and owe the command its call. Blocking.

        Raises:
            StorageError: the call cannot be noted, so the verdict must come once more.
        """
        self.verdicts.remember(record, verdict)
        self.caller.owe(record, verdict, KnownFrom.QUEUE)

    async def tend(self) -> None:
        """Let go of verdicts that have expired, until cancelled."""
        while True:
            await off_loop(self.verdicts.forget)
            await self.verdicts.clock.sleep(_TEND_SECONDS)

    def _end(self, record: ObjectRecord, known: KnownVerdict) -> ObjectRecord:
        """(1) the journal, (2) the call, (3) the record: a crash in between repeats the former and loses none."""
        ended = replace(known_record(record, known), updated=self.verdicts.clock.now())
        document = {"reason": ended.reason, "sha256": known.sha256, "detail": ended.detail, "source": known.source}
        self.journal.append("known", ended.event_id, ended.updated, document)  # (1)
        self.caller.owe(ended, known.verdict, known.source)  # (2)
        self.spool.record(ended)  # (3)
        return ended
