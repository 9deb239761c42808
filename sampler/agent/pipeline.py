"""The order of the stages, and nothing else: from a candidate to a record that is durable.

It is the only module that knows this order. Each stage is handed in, does its one thing, and meets the next through
values of ``model``; what one object does wrong ends that object in a named state and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from sampler import describe, snapshot
from sampler.agent.capturing import Capturer
from sampler.agent.consents import ConsentStore
from sampler.agent.derived import derived_parts
from sampler.agent.keeping import Keeper
from sampler.agent.previewing import Previewed
from sampler.agent.taken import Taken, examine
from sampler.errors import ChildDied, ChildTimedOut, ConsentError, DeliveryError, SandboxError
from sampler.examine import Examiner
from sampler.extract import choose_parts, plan_parts
from sampler.journal import Journal
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import (
    Ask,
    Candidate,
    Content,
    ContentKind,
    Examination,
    Failure,
    Field,
    Finding,
    ObjectRecord,
    ObjectState,
    Parcel,
    Plan,
    Problem,
    Reason,
    Refusal,
    Sampling,
    Scope,
    Snapshot,
    Subject,
)
from sampler.permit import (
    Consent,
    Explanation,
    HostNames,
    Policy,
    Statement,
    decide,
    explain,
    shipped_names,
    shipped_statement,
    withheld,
)
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.runtime.sharing import SharedCalls
from sampler.scan import asked_of
from sampler.snapshot import SnapshotTaker
from sampler.spool import Read, Spool
from sampler.upload import manifest_of
from sampler.wire.codec import encode
from sampler.wire.proofs import Tree

log = structlog.get_logger()
T = TypeVar("T")

_UNKNOWN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Asks:
    """What to take: by default, by rule in place of its own metadata."""

    default: Ask
    by_rule: Mapping[str, Ask]


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
    under_way: SharedCalls[ObjectRecord] = field(default_factory=SharedCalls)

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
            examination = await examine(self.examiner, taken)
            choice = choose_parts(self._ask(candidate, taken, examination), examination, taken.snapshot.size)
            async with derived_parts(self.examiner, self.snapshots, taken.snapshot, choice.recipes) as parts:
                plan = await off_loop(plan_parts, choice, parts.hash_of)
                finding = await off_loop(self._find, candidate, taken, examination, plan)
                return await off_loop(lambda: show(Previewed(finding, self._explain(finding), parts.read)))
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
        return await capturer.take(candidate, partial(self._consent, candidate.event_id))

    def _explain(self, finding: Finding) -> Explanation:
        statement, consent = self._consent(finding.event_id)
        return explain(finding, statement, consent, self.policy, self.host, self.clock.now())

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
            examination = await examine(self.examiner, taken)
        except ChildTimedOut as error:
            return await self._end(replace(record, state=ObjectState.TIMED_OUT, detail=str(error)))
        except ChildDied as error:
            return await self._end(replace(record, state=ObjectState.FAILED, detail=str(error)))
        choice = choose_parts(self._ask(candidate, taken, examination), examination, whole.size)
        async with derived_parts(self.examiner, self.snapshots, whole, choice.recipes) as parts:
            plan = await off_loop(plan_parts, choice, parts.hash_of)
            finding = await off_loop(self._find, candidate, taken, examination, plan)
            decided = await off_loop(self._decide, _with_finding(record, finding), finding, parts.read)
        if decided.state is ObjectState.SPOOLED and decided.sampling is not Sampling.WHOLE:
            await off_loop(self.keeper.keep, candidate, whole, decided.updated)
        return decided

    def _find(self, candidate: Candidate, taken: Taken, examination: Examination, plan: Plan) -> Finding:
        whole = taken.snapshot
        hashes = snapshot.hashes(whole) if plan.sampling is not Sampling.NONE else None
        return Finding(
            event_id=candidate.event_id,
            created=candidate.received,
            reason=candidate.reason,
            tree_root=hashes.tree.root if hashes else "",
            subject=candidate.subject,
            answers=candidate.answers,
            treated=taken.treated,
            sha256=whole.sha256,
            size=whole.size,
            kind=examination.kind,
            mime_type=examination.mime_type,
            ruleset_version=examination.ruleset_version,
            plan=_proven(taken.with_omissions(plan), whole, hashes.tree) if hashes else plan,
            path=taken.path,
            detections=candidate.detections,
            matches=examination.matches,
            fields=self._facts(candidate, taken, examination, hashes),
            problems=examination.problems,
        )

    def _ask(self, candidate: Candidate, taken: Taken, examination: Examination) -> Ask:
        if taken.capture is not None:
            return taken.capture.ask(candidate.wants)
        if taken.asked is not None:
            return taken.asked
        ask = asked_of(examination.matches, default=self.asks.default, overrides=self.asks.by_rule)
        if candidate.wants is not None and candidate.wants.rank > ask.sampling.rank:
            return replace(ask, sampling=candidate.wants)
        return ask

    def _facts(
        self, candidate: Candidate, taken: Taken, examination: Examination, hashes: snapshot.Hashes | None
    ) -> tuple[Field, ...]:
        fields = [
            *examination.fields,
            *taken.fields(candidate.origin_url),
            *describe.agreement_fields(taken.snapshot.path, examination.kind, examination.mime_type),
            *self.agent_fields,
        ]
        if candidate.pid is not None:
            fields += describe.process_fields(candidate.pid)
        if hashes is not None:
            fields += describe.hash_fields(taken.snapshot.sha256, hashes.md5, hashes.sha1)
            if candidate.subject is Subject.FILE and taken.snapshot.is_file and taken.path is not None:
                fields += describe.package_fields(taken.path, hashes.md5)
        return tuple(fields)

    def _decide(self, record: ObjectRecord, finding: Finding, read: Read) -> ObjectRecord:
        statement, consent = self._consent(finding.event_id)
        outcome = decide(finding, statement, consent, self.policy, self.host, self.clock.now())
        if isinstance(outcome, Refusal):
            refused = replace(record, state=outcome.state, rule=outcome.rule, detail=outcome.detail)
            self._note("refused", refused, {"rule": outcome.rule, "detail": outcome.detail})
            self.spool.record(refused)
            return refused
        if finding.answers is not None and not outcome.contents:
            return self._nothing_to_answer(record, outcome)
        try:
            accepted = consent.scopes if consent is not None else frozenset[Scope]()
            return self._spool(record, outcome, read, withheld(finding, outcome, statement, accepted))
        except DeliveryError as error:
            failed = replace(record, state=ObjectState.FAILED, detail=str(error))
            self.spool.record(failed)
            return failed

    def _nothing_to_answer(self, record: ObjectRecord, parcel: Parcel) -> ObjectRecord:
        """Nothing of what the queue asks for may leave; what it knows already is not sent again."""
        why = "; ".join(f"{omission.what}: {omission.reason}" for omission in parcel.omissions)
        refused = replace(record, state=ObjectState.REFUSED, detail=why[:TEXT_MAX_CHARACTERS])
        self._note("refused", refused, {"rule": "", "detail": refused.detail})
        self.spool.record(refused)
        return refused

    def _consent(self, event_id: str) -> tuple[Statement, Consent | None]:
        """What was accepted. A damaged consent is none: the object is refused, and the log says what to repair."""
        try:
            return self.consents.statement(), self.consents.load()
        except ConsentError as error:
            log.error("the consent counts as absent", event_id=event_id, error=str(error))
            return shipped_statement(shipped_names()[0]), None

    def _spool(
        self, record: ObjectRecord, parcel: Parcel, read: Read, stays: Mapping[str, Sequence[str]]
    ) -> ObjectRecord:
        """Keep a parcel until it is delivered.

        Raises:
            DeliveryError: the wire has no room for it; nothing was kept.
        """
        record = replace(
            record,
            state=ObjectState.SPOOLED,
            detail="waits for delivery",
            sampling=_sampling_of(parcel),
            contents=tuple(_without_proof(content) for content in parcel.contents),
            omissions=parcel.omissions,
        )
        manifest = encode(manifest_of(parcel))
        under = {"statement": parcel.statement.digest, "scopes": sorted(parcel.scopes)}
        self._note("permitted", record, {**under, "reasons": dict(parcel.reasons), "withheld": stays})
        self.spool.put(record, parcel, manifest, read)
        self.on_spooled()
        return record

    async def _end(self, record: ObjectRecord) -> ObjectRecord:
        await off_loop(self.spool.record, record)
        return record

    def _note(self, kind: str, record: ObjectRecord, document: Mapping[str, Any]) -> None:
        self.journal.append(kind, record.event_id, record.updated, {"reason": record.reason, **document})

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


def _with_finding(record: ObjectRecord, finding: Finding) -> ObjectRecord:
    return replace(
        record,
        mime_type=finding.mime_type,
        kind=finding.kind,
        ruleset_version=finding.ruleset_version,
        matches=tuple((match.rule, match.hits_total) for match in finding.matches),
    )


def _sampling_of(parcel: Parcel) -> Sampling:
    if not parcel.contents:
        return Sampling.METADATA
    return Sampling.WHOLE if parcel.contents[0].part is None else Sampling.PARTS


def _proven(plan: Plan, taken: Snapshot, tree: Tree) -> Plan:
    """The plan with a proof at each part that is a stretch of the whole."""
    parts = tuple(
        part if part.recipe else replace(part, proof=snapshot.prove(taken, tree, part.offset, part.length))
        for part in plan.parts
    )
    return replace(plan, parts=parts)


def _without_proof(content: Content) -> Content:
    """As the host's own records keep it; the manifest has the proof."""
    return content if content.part is None else replace(content, part=replace(content.part, proof=None))
