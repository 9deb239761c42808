"""What every implementation of ``queue.TasksLedger`` does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sampler.errors import Conflict
from sampler.model import Conclusion, TaskState, Verdict
from sampler.queue import Lane, Ledger, Outcome, Stage, Submission, Task

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ONE, TWO, THREE = "a" * 64, "b" * 64, "c" * 64
LANE = Lane("analysis", "default")
PLAN = (Stage("static"), Stage("sandbox", optional=True, only_after=(Conclusion.UNKNOWN, Conclusion.SUSPICIOUS)))


def _at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _submit(ledger: Ledger, submission_id: str, sizes: dict[str, int] | None = None) -> None:
    ledger.add_submission(Submission(submission_id, "d1", NOW, b"manifest"), sizes or {})


def _task(
    ledger: Ledger,
    task_id: str,
    *,
    created: float = 0,
    priority: int = 0,
    tenant: str = "default",
    plan: tuple[Stage, ...] = (Stage(),),
) -> Task:
    _submit(ledger, f"s-{task_id}")
    task = Task(task_id, f"s-{task_id}", _at(created), _at(created), priority=priority, tenant=tenant, plan=plan)
    ledger.add_task(task)
    return task


def _put(ledger: Ledger, task: Task) -> Task:
    ledger.put_task(task)
    return task


def _lease(ledger: Ledger, task: Task, ends: float) -> Task:
    leased = replace(task, state=TaskState.LEASED, attempts=1, worker="w", lease_digest=TWO, expires=_at(ends))
    return _put(ledger, leased)


def _rest(ledger: Ledger, task: Task, until: float) -> Task:
    return _put(ledger, replace(task, state=TaskState.RESTING, attempts=1, failure="f", not_before=_at(until)))


def test_a_task_comes_back_as_it_was(ledger: Ledger) -> None:
    """Every value of every state is kept."""
    _submit(ledger, "s-t1")
    task = Task("t1", "s-t1", NOW, _at(1), priority=70, tenant="bank", plan=PLAN)
    ledger.add_task(task)
    assert ledger.task("t1") == ledger.task_of("s-t1") == task
    leased = _lease(ledger, task, 60)
    assert ledger.task("t1") == leased
    verdict = Verdict(Conclusion.SUSPICIOUS, 55, "a", _at(7), family="f", note="n", expires=_at(99))
    resting = _rest(ledger, replace(task, stage=1, outcomes=(Outcome(0, ONE, verdict=verdict),)), 9)
    assert ledger.task("t1") == resting
    outcomes = (*resting.outcomes, Outcome(1, TWO, failure="no"))
    done = _put(ledger, replace(resting, state=TaskState.DONE, verdict=verdict, outcomes=outcomes))
    assert ledger.task("t1") == done
    assert ledger.task("t2") is None
    assert ledger.task_of("s-t2") is None


def test_a_submission_has_one_task(ledger: Ledger) -> None:
    """A second task for a submission is a conflict."""
    task = _task(ledger, "t1")
    with pytest.raises(Conflict):
        ledger.add_task(replace(task, id="t2"))


def test_the_earliest_rank_is_next(ledger: Ledger) -> None:
    """Points put a task before older ones, up to what these have waited; equals come in the order of appearance."""
    _task(ledger, "old", created=-700)
    first, second = _task(ledger, "z", priority=2), _task(ledger, "a", priority=2)
    _task(ledger, "late", created=1, priority=2)
    assert ledger.next_task(LANE) == first
    _lease(ledger, first, 60)
    assert ledger.next_task(LANE) == second
    _task(ledger, "urgent", created=3000, priority=100)
    _task(ledger, "oldest", created=-1200.000001)
    seen = []
    while (task := ledger.next_task(LANE)) is not None:
        seen.append(task.id)
        _lease(ledger, task, 60)
    assert seen == ["urgent", "oldest", "a", "late", "old"]


def test_each_tenant_and_kind_has_a_lane(ledger: Ledger) -> None:
    """Lanes with a waiting task are found, others are not; a task moves from lane to lane with its stage."""
    assert ledger.waiting_lanes() == ()
    mine, other = _task(ledger, "t1"), _task(ledger, "t2", tenant="bank")
    staged = _task(ledger, "t3", tenant="a-b", plan=PLAN)
    lanes = {Lane("analysis", "bank"), LANE, Lane("static", "a-b")}
    assert set(ledger.waiting_lanes()) == lanes
    assert len(ledger.waiting_lanes()) == 3
    assert ledger.next_task(Lane("analysis", "bank")) == other
    assert ledger.next_task(Lane("static", "bank")) is None
    _lease(ledger, mine, 9)
    _rest(ledger, other, 9)
    moved = _put(ledger, replace(staged, stage=1))
    assert ledger.waiting_lanes() == (Lane("sandbox", "a-b"),)
    assert ledger.next_task(Lane("sandbox", "a-b")) == moved


def test_leases_that_ran_out_are_found(ledger: Ledger) -> None:
    """A lease is overdue at its end, the one that ended first comes first, and the ceiling holds."""
    later = _lease(ledger, _task(ledger, "t1"), 60)
    sooner = _lease(ledger, _task(ledger, "t2"), 50)
    _task(ledger, "t3")
    assert ledger.overdue_tasks(_at(49), 9) == ()
    assert ledger.overdue_tasks(_at(60), 9) == (sooner, later)
    assert ledger.overdue_tasks(_at(60), 1) == (sooner,)


def test_what_has_rested_is_found(ledger: Ledger) -> None:
    """A resting task is due at its moment, the one due longest first, and it waits in no lane before."""
    later, sooner = _rest(ledger, _task(ledger, "t1"), 60), _rest(ledger, _task(ledger, "t2"), 50)
    assert ledger.waiting_lanes() == ()
    assert ledger.rested_tasks(_at(49), 9) == ()
    assert ledger.rested_tasks(_at(60), 9) == (sooner, later)
    assert ledger.rested_tasks(_at(60), 1) == (sooner,)


def test_what_ends_too_far_ahead_is_found(ledger: Ledger) -> None:
    """Leases and rests that end after a moment, and the ceiling holds."""
    leased, resting = _lease(ledger, _task(ledger, "t1"), 60), _rest(ledger, _task(ledger, "t2"), 50)
    _task(ledger, "t3")
    assert set(ledger.misdated_tasks(_at(49), 9)) == {leased, resting}
    assert ledger.misdated_tasks(_at(50), 9) == (leased,)
    assert ledger.misdated_tasks(_at(60), 9) == ()
    assert len(ledger.misdated_tasks(_at(0), 1)) == 1


def test_the_next_change_is_the_soonest(ledger: Ledger) -> None:
    """It is when a rest or a lease ends, whichever comes first; a waiting or ended task has no such moment."""
    assert ledger.next_change() is None
    waiting = _task(ledger, "t1")
    assert ledger.next_change() is None
    resting = _rest(ledger, waiting, 30)
    assert ledger.next_change() == _at(30)
    leased = _lease(ledger, _task(ledger, "t2"), 20)
    assert ledger.next_change() == _at(20)
    for task, state in ((resting, TaskState.DEAD), (leased, TaskState.CANCELLED)):
        ledger.put_task(replace(task, state=state, expires=None, lease_digest=None))
    assert ledger.next_change() is None


def test_tasks_are_listed_from_anywhere(ledger: Ledger) -> None:
    """In the order of their appearance, by state or all, behind a task; an unknown one is before all."""
    for task_id in ("t3", "t1", "t2"):
        _task(ledger, task_id)
    dead = replace(_lease(ledger, Task("t1", "s-t1", NOW, NOW), 1), state=TaskState.DEAD, expires=None)
    ledger.put_task(dead)

    def listed(state: TaskState | None = None, after: str | None = None, limit: int = 9) -> list[str]:
        return [task.id for task in ledger.tasks(state=state, after=after, limit=limit)]

    assert listed() == ["t3", "t1", "t2"]
    assert listed(limit=2) == ["t3", "t1"]
    assert listed(after="t3") == ["t1", "t2"]
    assert listed(TaskState.WAITING) == ["t3", "t2"]
    assert listed(TaskState.WAITING, after="t1") == ["t2"]
    assert listed(after="t2") == []
    assert listed(after="unknown") == ["t3", "t1", "t2"]
    assert ledger.task_counts() == {TaskState.WAITING: 2, TaskState.DEAD: 1}


def test_rarity_is_counted_up_to_a_limit(ledger: Ledger) -> None:
    """Submissions that offer a content count, however many others there are, and counting ends at the limit."""
    for number in range(3):
        _submit(ledger, f"s{number}", {ONE: 1, **({TWO: 2} if number else {})})
    assert (ledger.offering(ONE, 9), ledger.offering(TWO, 9), ledger.offering(THREE, 9)) == (3, 2, 0)
    assert ledger.offering(ONE, 2) == 2
