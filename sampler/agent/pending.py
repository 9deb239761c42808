"""What waits for a person: listed, approved, denied, and ended where nobody decides or the owner takes consent back.

An approval is a decision like any other: today's statement, consent and policy are asked anew about the same bytes, and
only what was shown as waiting may go. Steps: (1) the journal has who approved, and what leaves by which rules; (2) the
contents are durable in the spool and the event goes from held to spooled in one transaction; (3) the kept bytes go. A
process that is killed in between leaves an event that still waits, or bytes that the next look sweeps away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from sampler.agent.finder import Found
from sampler.agent.held_objects import HeldObject
from sampler.agent.pipeline import Pipeline
from sampler.agent.spooling import spoolable, with_finding
from sampler.agent.taken import Taken
from sampler.agent.worth import worth_of
from sampler.errors import ChildDied, ChildTimedOut, ConsentError, DeliveryError, RequestError, SamplerError
from sampler.limits import PENDING_TEND_SECONDS
from sampler.model import ObjectRecord, ObjectState, Refusal
from sampler.permit import Rule
from sampler.runtime.blocking import off_loop

log = structlog.get_logger()

_PAGE: Final = 100
_GONE: Final = "its bytes are no longer kept, or were changed"


@dataclass(frozen=True, slots=True)
class Pending:
    """The contents of one host that wait for a person."""

    pipeline: Pipeline
    seconds: float
    """How long something waits before it ends."""
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One decision at a time."""

    async def run(self) -> None:
        """Look after what waits until cancelled."""
        while True:
            try:
                async with self.turns:
                    await off_loop(self.tend)
            except SamplerError as error:
                log.warning("what waits for approval could not be looked after", reason=str(error))
            await self.pipeline.clock.sleep(PENDING_TEND_SECONDS)

    async def approve(self, event_id: str, by: str) -> ObjectRecord:
        """Let what waits under this identifier leave, as far as it may today; its record, durable.

        Raises:
            RequestError: it does not wait, may not leave now, or cannot be examined; then it waits on.
            SpoolFull, JournalError, SandboxError: this host cannot do it now; it waits on.
        """
        async with self.turns:
            record = await off_loop(self._waiting, event_id)
            with ExitStack() as stack:
                bringing = self.pipeline.held.brought_back(event_id, self.pipeline.snapshots)
                held = await off_loop(stack.enter_context, bringing)
                if held is None:
                    return await off_loop(self._end, record, ObjectState.FAILED, "refused", {"detail": _GONE})
                return await self._approve(record, held, by)

    async def deny(self, event_id: str, by: str) -> ObjectRecord:
        """End what waits under this identifier; nothing of it leaves.

        Raises:
            RequestError: it does not wait.
            SpoolFull, JournalError: it cannot be written down; it waits on.
        """
        async with self.turns:
            record = await off_loop(self._waiting, event_id)
            document = {"by": by, "rule": Rule.DENIED.value, "detail": f"{by} denied it"}
            return await off_loop(self._end, record, ObjectState.REFUSED, "denied", document)

    def tend(self) -> None:
        """End what waited too long or lost its consent, and let go of bytes that nothing waits for. Blocking.

        Raises:
            SpoolFull, JournalError: an end cannot be written down.
        """
        now = self.pipeline.clock.now()
        for record in list(self._all()):
            if (end := self._end_of(record, now)) is not None:
                self._end(record, *end)
        with self.pipeline.held.turns:
            self.pipeline.held.store.sweep({record.event_id for record in self._all()})

    async def _approve(self, record: ObjectRecord, held: HeldObject, by: str) -> ObjectRecord:
        taken = Taken(held.kept.snapshot, asked=held.ask)
        try:
            async with self.pipeline.finder.found(held.kept.candidate, taken) as found:
                released = await off_loop(self._release, record, found, by)
        except (ChildDied, ChildTimedOut, DeliveryError) as error:
            raise RequestError(f"{record.event_id} waits on: {error}") from error
        self.pipeline.on_spooled()
        return released

    def _release(self, record: ObjectRecord, found: Found, by: str) -> ObjectRecord:
        pipeline, decider = self.pipeline, self.pipeline.decider
        with decider.turn():
            approved = frozenset(content.sha256 for content in record.contents)
            decided = decider.decide(found.finding, approved=approved)
            parcel = decided.outcome
            if isinstance(parcel, Refusal):
                raise RequestError(f"{record.event_id} waits on: {parcel.rule}: {parcel.detail}")
            if not parcel.contents:
                why = "; ".join(f"{each.what}: {each.reason}" for each in parcel.omissions)
                raise RequestError(f"{record.event_id} waits on, for none of it may leave now: {why}")
            today = replace(with_finding(record, found.finding), rule="", updated=pipeline.clock.now())
            ready = spoolable(today, parcel, decided.stays)
            self._note("approved", ready.record, {"by": by, "follows": record.follows})  # (1)
            self._note("permitted", ready.record, ready.note)
            worth = worth_of(found.finding, record.uid)
            if not pipeline.spool.release(ready.record, parcel, ready.manifest, found.read, worth=worth):  # (2)
                raise RequestError(f"{record.event_id} was taken back meanwhile")
        pipeline.held.store.forget(record.event_id)  # (3)
        return ready.record

    def _waiting(self, event_id: str) -> ObjectRecord:
        record = self.pipeline.spool.get(event_id)
        if record is None or record.state is not ObjectState.HELD:
            state = "there is no such object" if record is None else f"it is {record.state}"
            raise RequestError(f"{event_id} does not wait for approval: {state}; see sampler pending list")
        return record

    def _all(self) -> Iterator[ObjectRecord]:
        after: str | None = None
        while page := self.pipeline.spool.list(state=ObjectState.HELD, after=after, limit=_PAGE):
            yield from page
            after = page[-1].event_id

    def _end_of(self, record: ObjectRecord, now: datetime) -> tuple[ObjectState, str, dict[str, str]] | None:
        """Into which state something ends by itself, and what the journal says; ``None``: it waits on."""
        if (taken_back := self._taken_back(record)) is not None:
            return ObjectState.RECALLED, "recalled", {"detail": taken_back}
        if now >= record.updated + timedelta(seconds=self.seconds):
            detail = f"nobody approved it within {self.seconds:g} seconds"
            return ObjectState.EXPIRED, "expired", {"rule": Rule.EXPIRED.value, "detail": detail}
        if not self.pipeline.held.store.holds(record.event_id):
            return ObjectState.FAILED, "refused", {"detail": _GONE}
        return None

    def _taken_back(self, record: ObjectRecord) -> str | None:
        """Why the consent that it needs does not stand any more; one that is damaged, or has run out, can come back."""
        try:
            consent = self.pipeline.consents.load()
        except ConsentError:
            return None
        missing = sorted(record.scopes - consent.scopes) if consent is not None else sorted(record.scopes)
        return f"the owner no longer accepts the scope {', '.join(missing)}" if missing else None

    def _end(self, record: ObjectRecord, state: ObjectState, kind: str, document: Mapping[str, str]) -> ObjectRecord:
        now = self.pipeline.clock.now()
        ended = replace(record, state=state, updated=now, detail=document["detail"], rule=document.get("rule", ""))
        self._note(kind, ended, document)
        self.pipeline.spool.finish(record.event_id, state, detail=ended.detail, sent_bytes=0, now=now, rule=ended.rule)
        self.pipeline.held.store.forget(record.event_id)
        return ended

    def _note(self, kind: str, record: ObjectRecord, document: Mapping[str, Any]) -> None:
        known = {"reason": record.reason, **document}
        self.pipeline.journal.append(kind, record.event_id, record.updated, known)
