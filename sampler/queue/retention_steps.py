"""The steps of retention, each one ledger transaction. Blocking; run on the ledger's lane.

Recorded first, then destroyed: a step gives up contents and notes their names, and from then on nothing of them is
given out; the bytes follow, and only when they are gone does the note go. A submission counts in the statistics from
the transaction that puts it into the index on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sampler.limits import ROLLUP_LABELS_MAX_COUNT
from sampler.model import AskState, TaskState, Verdict
from sampler.queue import rollups
from sampler.queue.acts import Act, Actor, note
from sampler.queue.ports import Ledger
from sampler.queue.retention_ports import Kept
from sampler.queue.retention_rules import Facts, RetentionPolicy, due
from sampler.queue.rollups import Count, Rollup
from sampler.wire.audit_messages import Action
from sampler.wire.retention_messages import Part

_ASKS_MAX_COUNT = 1000
_FREE = (TaskState.WAITING, TaskState.RESTING, TaskState.LEASED)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What one step gave up."""

    submissions: int = 0
    uploads: tuple[str, ...] = ()
    """Whose bytes are to be thrown away."""


def keep(ledger: Ledger, number: int, submission_id: str, facts: Facts, policy: RetentionPolicy) -> None:
    """Begin to count a submission's time, and count it; inside of a transaction. Once more changes nothing."""
    if ledger.kept(number) is None:
        ledger.put_kept(Kept(number, submission_id, facts, due(policy, facts), policy.digest))
        _count(ledger, rollups.counted(facts), facts)


def conclude(ledger: Ledger, number: int, verdict: Verdict | None, policy: RetentionPolicy) -> None:
    """Let a submission's time and place in the statistics follow its verdict; inside of a transaction."""
    kept = ledger.kept(number)
    conclusion = verdict.conclusion if verdict else None
    if kept is None or kept.facts.conclusion is conclusion:
        return
    facts = replace(kept.facts, conclusion=conclusion)
    ledger.put_kept(replace(kept, facts=facts, due=due(policy, facts), policy=policy.digest))
    _count(ledger, rollups.moved(facts, kept.facts.conclusion), facts)


def reckon(ledger: Ledger, policy: RetentionPolicy, limit: int) -> int:
    """Give new times to some of those that stand by other rules; how many."""
    digest = policy.digest
    with ledger.transaction():
        others = ledger.kept_by_others(digest, limit)
        for kept in others:
            ledger.put_kept(replace(kept, due=due(policy, kept.facts), policy=digest))
    return len(others)


def give_up_contents(ledger: Ledger, now: datetime, limit: int, by: Actor) -> GivenUp:
    """Give up the contents of submissions whose time is over."""
    with ledger.transaction():
        found = ledger.due(Part.CONTENTS, now, after=None, limit=limit)
        for kept in found:
            _give_up(ledger, kept)
            _end_task(ledger, kept.submission)
            ledger.put_kept(replace(kept, contents_gone=now))
        _note(ledger, Part.CONTENTS, len(found), by, now)
    return GivenUp(len(found))


def give_up_records(ledger: Ledger, now: datetime, limit: int, by: Actor) -> GivenUp:
    """Give up all of submissions whose time is over, but for their receipts and what they count."""
    uploads: list[str] = []
    with ledger.transaction():
        found = ledger.due(Part.RECORDS, now, after=None, limit=limit)
        for kept in found:
            _give_up(ledger, kept)
            _end_asks(ledger, kept.submission)
            uploads += ledger.end_submission(kept.submission)
        for day, tenant in {(kept.facts.day, kept.facts.tenant) for kept in found}:
            if not ledger.is_kept_on(day, tenant):
                ledger.add_rollup(rollups.folded(ledger.rollup_cells(day, tenant)))
        _note(ledger, Part.RECORDS, len(found), by, now)
    return GivenUp(len(found), tuple(uploads))


def _note(ledger: Ledger, part: Part, submissions: int, by: Actor, now: datetime) -> None:
    if submissions:
        note(ledger, Act(by, Action.RETENTION, now, f"{submissions} submissions"), part.value)


def _give_up(ledger: Ledger, kept: Kept) -> None:
    """From now on the submission has no contents; those that nobody else offers are to be destroyed."""
    offered = ledger.offered(kept.submission)
    ledger.release_contents(kept.submission)
    doomed = [sha256 for sha256 in offered if not ledger.offered_elsewhere(sha256, kept.submission)]
    for sha256 in doomed:
        ledger.remove_content(sha256)
    for sha256 in offered:
        ledger.release_held(kept.facts.tenant, sha256)
    ledger.add_doomed(doomed)


def _end_task(ledger: Ledger, submission_id: str) -> None:
    """Whoever would analyze it has nothing to look at any more."""
    task = ledger.task_of(submission_id)
    if task is not None and task.state in _FREE:
        why = "its contents were destroyed: their time was over"
        ledger.put_task(replace(task, state=TaskState.CANCELLED, lease_digest=None, expires=None, failure=why))


def _end_asks(ledger: Ledger, submission_id: str) -> None:
    for ask in ledger.asks(submission_id, _ASKS_MAX_COUNT):
        if ask.state is AskState.OPEN:
            ledger.put_ask(replace(ask, state=AskState.GONE, reason="the queue destroyed the submission"))


def _count(ledger: Ledger, changes: dict[Rollup, Count], facts: Facts) -> None:
    known = ledger.rollups_there(tuple(changes))
    if len(known) < len(changes):
        room = ROLLUP_LABELS_MAX_COUNT - ledger.rollup_count(facts.day, facts.tenant)
        changes = rollups.within(changes, known, room)
    ledger.add_rollup(changes)
