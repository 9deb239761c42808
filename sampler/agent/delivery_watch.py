"""What stands beside the uploader for the owner."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from sampler.agent.recalling import why_taken_back
from sampler.agent.stores import Stores
from sampler.errors import ConsentError, JournalError
from sampler.model import ObjectRecord, Verdict, Waiting
from sampler.permit import still_allowed
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeliveryWatch:
    """Stands beside the uploader for the owner: looks at the consent again, and writes down what leaves."""

    stores: Stores
    clock: Clock

    async def why_not(self, waiting: Waiting) -> str | None:
        """Why a parcel that was permitted may no longer be sent, or ``None``."""
        taken_back = await off_loop(why_taken_back, self.stores.spool, waiting.event_id)
        if taken_back is not None:
            return taken_back
        try:
            consent = await off_loop(self.stores.consents.load)
        except ConsentError as error:
            return str(error)
        return still_allowed(waiting.scopes, waiting.statement, consent, self.clock.now())

    async def note(self, kind: str, waiting: Waiting, document: Mapping[str, Any]) -> None:
        """Write down that something is about to leave, byte for byte as it will, or what became of it.

        Raises:
            JournalError: it cannot be written, so it must not be sent.
        """
        if kind == "offered":
            digest = hashlib.sha256(waiting.manifest).hexdigest()
            told = {"scopes": sorted(waiting.scopes), "manifest_sha256": digest}
            document = {**document, **told, "manifest": msgspec.Raw(waiting.manifest)}
            self.stores.sent.note(waiting)
        await off_loop(self.stores.journal.append, kind, waiting.event_id, self.clock.now(), document)

    async def note_verdict(self, record: ObjectRecord, verdict: Verdict) -> None:
        """Write down what the queue concluded; a journal that cannot be written does not lose the verdict.

        Raises:
            StorageError: the command about verdicts could not be owed its call; the verdict has to come once more.
        """
        said = {"conclusion": verdict.conclusion, "score": verdict.score, "analyzer": verdict.analyzer}
        document = said | ({"expires": verdict.expires} if verdict.expires is not None else {})
        try:
            await off_loop(self.stores.journal.append, "verdict", record.event_id, self.clock.now(), document)
        except JournalError as error:
            log.warning("a verdict is not in the journal", event_id=record.event_id, error=str(error))
        await off_loop(self.stores.knowledge.tell, record, verdict)
        self.stores.knowledge.caller.wake()
