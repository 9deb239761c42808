"""The order of the stages, and nothing else: from a candidate to a record that is durable.

It is the only module that knows this order. Each stage is handed in, does its one thing, and meets the next through
values of ``model``; what one object does wrong ends that object in a named state and no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from sampler import describe, snapshot
from sampler.agent.capturing import Capturer
from sampler.agent.consents import ConsentStore
from sampler.agent.deciding import Decider
from sampler.agent.finder import Asks, Finder, Found
from sampler.agent.held_objects import HeldObjects
from sampler.agent.holding import Holder
from sampler.agent.keeping import Keeper
from sampler.agent.knowledge import Knowledge
from sampler.agent.previewing import Previewed
from sampler.agent.spooling import spoolable, with_finding
from sampler.agent.taken import Taken
from sampler.agent.worth import worth_of
from sampler.errors import ChildDied, ChildTimedOut, DeliveryError, SandboxError
from sampler.examine import Examiner
from sampler.journal import Journal
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import (
    Candidate,
    ContentKind,
    Examination,
    Failure,
    Field,
    ObjectRecord,
    ObjectState,
    Parcel,
    Problem,
    Reason,
    Refusal,
    Sampling,
    Snapshot,
)
from sampler.permit import (
    HostNames,
    Policy,
)
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.runtime.sharing import SharedCalls
from sampler.snapshot import SnapshotTaker
from sampler.spool import Spool

log = structlog.get_logger()
T = TypeVar("T")

_UNKNOWN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the rules said of an object of which nothing is kept."""

    size: int
    """Bytes."""
    examination: Examination


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages of one host, wired."""

    clock: Clock
    snapshots: SnapshotTaker
    examiner: Examiner
    consents: ConsentStore
    policy: Policy
    host: HostNames
    asks: Asks
    spool: Spool
    journal: Journal
    agent_fields: tuple[Field, ...]
    """What identifies installation and machine; the same for every object."""
    on_spooled: Callable[[], None]
    keeper: Keeper
    """Keeps what may be asked for again."""
    held: HeldObjects
    """Keeps what a person has to approve."""
    knowledge: Knowledge
    """Says what need not be sent."""
    under_way: SharedCalls[ObjectRecord] = field(default_factory=SharedCalls)
    turns: threading.Lock = field(default_factory=threading.Lock)
    """Of decisions, where a day's volume is limited."""

    @property
    def finder(self) -> Finder:
        """What examines objects."""
        return Finder(self.examiner, self.snapshots, self.asks, self.agent_fields)

    @property
    def decider(self) -> Decider:
        """What decides about findings."""
        return Decider(self.clock, self.consents, self.policy, self.host, self.spool, self.held, self.turns)

    async def flag(self, candidate: Candidate) -> ObjectRecord:
        """Take one object as far as it may go. What is returned is durable.

        A peer that hangs up does not stop it, and one that asks again by the same id meanwhile waits for the same
        outcome.

        Raises:
            SpoolFull, JournalError, SandboxError: this host cannot keep or examine anything now; nothing was
                acknowledged, the peer may ask again.
        """
        if self.under_way.is_running(candidate.event_id):
            await off_loop(snapshot.abandon, candidate)
        return await self.under_way.run(candidate.event_id, partial(self._take, candidate))

    async def scan(self, candidate: Candidate) -> Scan | Failure:
        """What the rules say of an object. Nothing of it is written down, and nothing leaves.

        An object that its child did not survive has that as its problem.

        Raises:
            SpoolFull, SandboxError: this host can copy or scan nothing now.
        """
        taken = await off_loop(self.snapshots.take, candidate)
        if isinstance(taken, Failure):
            return taken
        try:
            return Scan(taken.size, await self.examiner.examine(taken, owner=describe.owner_of(taken), rules_only=True))
        except ChildTimedOut as error:
            return Scan(taken.size, self._unscanned(taken, "timed-out", error))
        except ChildDied as error:
            return Scan(taken.size, self._unscanned(taken, "child-died", error))
        finally:
            snapshot.release(taken)

    async def preview(self, candidate: Candidate, show: Callable[[Previewed], T]) -> T | Failure:
        """Decide about an object as ``flag`` would, and show it; nothing is kept, nothing is written down.

        Args:
            candidate: what would be flagged.
            show: makes the view, on another thread, while the bytes can still be read.

        Raises:
            ChildDied, ChildTimedOut: the object cannot be examined.
            SpoolFull, SandboxError: this host can copy or examine nothing now.
        """
        taken = await self._obtain(candidate)
        if isinstance(taken, Failure):
            return taken
        try:
            async with self.finder.found(candidate, taken) as found:
                finding = found.finding
                return await off_loop(lambda: show(Previewed(finding, self.decider.explain(finding), found.read)))
        finally:
            snapshot.release(taken.snapshot)

    async def answer(self, candidate: Candidate, taken: Taken) -> ObjectRecord:
        """Decide about more of an object that was kept, as the queue asks; its record, durable.

        Args:
            candidate: the object; its ``event_id`` is the answer's own, the same whenever the ask is answered.
            taken: its bytes and what is asked; they stay the caller's.

        Raises:
            SpoolFull, JournalError, SandboxError: as ``flag``.
        """
        known = await off_loop(self.spool.get, candidate.event_id)
        return known or await self._follow(candidate, taken)

    async def _obtain(self, candidate: Candidate) -> Taken | Failure:
        """The object's bytes, from wherever its source is."""
        capturer = Capturer(self.snapshots, self.examiner, self.host)
        return await capturer.take(candidate, partial(self.decider.consent, candidate.event_id))

    def _unscanned(self, taken: Snapshot, code: str, error: SandboxError) -> Examination:
        return Examination(
            sha256=taken.sha256,
            kind=ContentKind.OTHER,
            mime_type=_UNKNOWN_TYPE,
            ruleset_version=self.examiner.report.version,
            problems=(Problem("scan", code, str(error)[:TEXT_MAX_CHARACTERS]),),
        )

    async def _take(self, candidate: Candidate) -> ObjectRecord:
        known = await off_loop(self.spool.get, candidate.event_id)
        if known is not None:
            await off_loop(snapshot.abandon, candidate)
            return known
        taken = await self._obtain(candidate)
        if isinstance(taken, Failure):
            return await self._end(self._record(candidate, taken.state, detail=f"{taken.code}: {taken.detail}"))
        try:
            return await self._follow(candidate, taken)
        finally:
            snapshot.release(taken.snapshot)

    async def _follow(self, candidate: Candidate, taken: Taken) -> ObjectRecord:
        whole = taken.snapshot
        record = replace(self._record(candidate, ObjectState.FAILED), sha256=whole.sha256, size=whole.size)
        try:
            async with self.finder.found(candidate, taken) as found:
                known = with_finding(record, found.finding)
                answered = await self.knowledge.answer(candidate, known, found.finding, self.decider)
                if answered is not None:
                    return answered
                decided = await off_loop(self._decide, known, found, candidate, whole)
        except ChildTimedOut as error:
            return await self._end(replace(record, state=ObjectState.TIMED_OUT, detail=str(error)))
        except ChildDied as error:
            return await self._end(replace(record, state=ObjectState.FAILED, detail=str(error)))
        if decided.state is ObjectState.SPOOLED and decided.sampling is not Sampling.WHOLE:
            await off_loop(self.keeper.keep, candidate, whole, decided.updated)
        return decided

    def _decide(self, record: ObjectRecord, found: Found, candidate: Candidate, whole: Snapshot) -> ObjectRecord:
        with self.decider.turn():
            decided = self.decider.decide(found.finding)
            outcome = decided.outcome
            if isinstance(outcome, Refusal):
                refused = replace(record, state=outcome.state, rule=outcome.rule, detail=outcome.detail)
                self._note("refused", refused, {"rule": outcome.rule, "detail": outcome.detail})
                self.spool.record(refused)
                return refused
            if outcome.held:
                Holder(self.held, self.spool, self.journal).hold(record, outcome, candidate, whole, found)
            if found.finding.answers is not None and not outcome.contents:
                return self._nothing_to_answer(record, outcome)
            return self._spool(record, outcome, found, decided.stays)

    def _nothing_to_answer(self, record: ObjectRecord, parcel: Parcel) -> ObjectRecord:
        """Nothing of what the queue asks for may leave; what it knows already is not sent again."""
        why = "; ".join(f"{omission.what}: {omission.reason}" for omission in parcel.omissions)
        refused = replace(record, state=ObjectState.REFUSED, detail=why[:TEXT_MAX_CHARACTERS])
        self._note("refused", refused, {"rule": "", "detail": refused.detail})
        self.spool.record(refused)
        return refused

    def _spool(
        self, record: ObjectRecord, parcel: Parcel, found: Found, stays: Mapping[str, Sequence[str]]
    ) -> ObjectRecord:
        """Keep a parcel until it is delivered; one that the wire has no room for ends here."""
        try:
            ready = spoolable(record, parcel, stays)
        except DeliveryError as error:
            failed = replace(record, state=ObjectState.FAILED, detail=str(error))
            self.spool.record(failed)
            return failed
        self._note("permitted", ready.record, ready.note)
        worth = worth_of(found.finding, record.uid)
        self.spool.put(ready.record, parcel, ready.manifest, found.read, worth=worth)
        self.on_spooled()
        return ready.record

    async def _end(self, record: ObjectRecord) -> ObjectRecord:
        await off_loop(self.spool.record, record)
        return record

    def _note(self, kind: str, record: ObjectRecord, document: Mapping[str, Any]) -> None:
        follows = {"follows": record.follows} if record.follows else {}
        self.journal.append(kind, record.event_id, record.updated, {"reason": record.reason, **follows, **document})

    def _record(self, candidate: Candidate, state: ObjectState, *, detail: str = "") -> ObjectRecord:
        now: datetime = self.clock.now()
        return ObjectRecord(
            event_id=candidate.event_id,
            state=state,
            created=candidate.received,
            updated=now,
            uid=candidate.peer.uid,
            reason=candidate.reason or Reason.DETECTION,
            path=candidate.path,
            detail=detail,
            detections=candidate.detections,
            follows=candidate.follows,
        )
