"""What a host finds out about one object: what children see in it, what the system says, and what is asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from sampler import describe, snapshot
from sampler.agent.derived import derived_parts
from sampler.agent.taken import Taken, examine
from sampler.examine import Examiner
from sampler.extract import choose_parts, plan_parts
from sampler.model import Ask, Candidate, Examination, Field, Finding, Plan, Sampling, Snapshot, Subject
from sampler.runtime.blocking import off_loop
from sampler.scan import asked_of
from sampler.snapshot import SnapshotTaker
from sampler.spool import Read
from sampler.storage.rpm_records import RpmDatabase
from sampler.wire.proofs import Tree

_OWNERSHIP: Final = describe.ownership_here(RpmDatabase())


@dataclass(frozen=True, slots=True)
class Asks:
    """What to take: by default, by rule in place of its own metadata."""

    default: Ask
    by_rule: Mapping[str, Ask]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and where the bytes that it speaks of can be read meanwhile."""

    finding: Finding
    ask: Ask
    """What was asked of the object."""
    read: Read


@dataclass(frozen=True, slots=True)
class Finder:
    """Examines objects and puts together what is known of them."""

    examiner: Examiner
    snapshots: SnapshotTaker
    asks: Asks
    agent_fields: tuple[Field, ...]
    """What identifies installation and machine; the same for every object."""

    @asynccontextmanager
    async def found(self, candidate: Candidate, taken: Taken) -> AsyncIterator[Found]:
        """What is known of an object; its parts can be read as long as this lasts.

        Raises:
            ChildDied, ChildTimedOut: it cannot be examined.
            SpoolFull, SandboxError: this host can copy or examine nothing now.
        """
        examination = await examine(self.examiner, taken)
        ask = self._ask(candidate, taken, examination)
        choice = choose_parts(ask, examination, taken.snapshot.size)
        async with derived_parts(self.examiner, self.snapshots, taken.snapshot, choice.recipes) as parts:
            plan = await off_loop(plan_parts, choice, parts.hash_of)
            finding = await off_loop(self._find, candidate, taken, examination, plan)
            yield Found(finding, ask, parts.read)

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
            follows=candidate.follows,
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
                digests = describe.Digests(hashes.md5, taken.snapshot.sha256)
                fields += _OWNERSHIP.fields(taken.path, digests)
        return tuple(fields)


def _proven(plan: Plan, taken: Snapshot, tree: Tree) -> Plan:
    """The plan with a proof at each part that is a stretch of the whole."""
    parts = tuple(
        part if part.recipe else replace(part, proof=snapshot.prove(taken, tree, part.offset, part.length))
        for part in plan.parts
    )
    return replace(plan, parts=parts)
