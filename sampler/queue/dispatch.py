"""The steps of giving out work, each one ledger transaction. Blocking; run on the ledger's lane.

The decisions are those of ``tasks``; here they are read, made and written under one transaction, so that of two workers
only one gets a task, and a task is done exactly when its verdict is on its way to the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sampler.errors import NotFound
from sampler.limits import ANSWER_MAX_BYTES
from sampler.model import TaskState
from sampler.queue import lookup, tasks
from sampler.queue.acts import Act, note
from sampler.queue.fairness import turns
from sampler.queue.ports import Ledger
from sampler.queue.receiving import SWEEP_MAX_COUNT
from sampler.queue.records import Submission
from sampler.queue.tasks import Lane, RetryRules, Task

Chance = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A task beside the submission that it works on."""

    task: Task
    submission: Submission


@dataclass(frozen=True, slots=True)
class Leasing:
    """What a worker asks for."""

    worker: str
    token: str
    seconds: float
    task_id: str | None = None
    kinds: frozenset[str] = frozenset()
    """Of analysis that it does; empty: whatever there is."""
    tenant: str | None = None
    """Whose tasks it may have; ``None``: everybody's."""
    act: Act | None = None
    """What is written down when it gets one."""

    def serves(self, lane: Lane) -> bool:
        """Whether a task of this lane may be given to it."""
        return (not self.kinds or lane.kind in self.kinds) and self.tenant in (None, lane.tenant)


def find(ledger: Ledger, task_id: str) -> Placed:
    """A task.

    Raises:
        NotFound: there is none.
        Recalled: its host took the submission back; whoever has a lease of it has nothing.
    """
    task = ledger.task(task_id)
    if task is not None:
        return _placed(ledger, task)
    if (recall := ledger.recall_of_task(task_id)) is not None:
        raise recall.refusal(f"task {task_id}")
    raise NotFound(f"no task {task_id}")


def lease(ledger: Ledger, asked: Leasing, rules: RetryRules, chance: Chance, now: datetime) -> Placed | None:
    """Lease the first task of the tenant whose turn it is, or the one named, due or not; ``None`` when nothing waits.

    Where something waits, nothing else is looked at: leases that ran out are the sweep's business (``settle``).

    Raises:
        NotFound: the named one does not exist.
        Conflict: the named one is not waiting.
    """
    with ledger.claiming():
        task = None if asked.task_id else _next(ledger, asked, chance)
        if task is None:
            _settle(ledger, rules, chance, now)
            task = _named(ledger, asked.task_id, asked.tenant) if asked.task_id else _next(ledger, asked, chance)
        if task is None:
            return None
        task = tasks.lease(task, worker=asked.worker, token=asked.token, seconds=asked.seconds, now=now)
        ledger.put_task(task)
        note(ledger, asked.act, task.id)
        return _placed(ledger, task)


def change(ledger: Ledger, task_id: str, step: Callable[[Task], Task], act: Act | None = None) -> Placed:
    """Take a task through one transition of ``tasks``; a verdict that comes about is put on its way to the host.

    What changes nothing is not written down as an act.

    Raises:
        NotFound: there is no such task.
        Conflict: it is in another state, or under another lease.
    """
    with ledger.claiming():
        before = find(ledger, task_id)
        after = step(before.task)
        _put(ledger, before.task, after, before.submission)
        if after is not before.task:
            note(ledger, act, task_id)
        return Placed(after, before.submission)


def settle(ledger: Ledger, rules: RetryRules, chance: Chance, now: datetime) -> tuple[Task, ...]:
    """Take back tasks whose lease has run out and wake those that rested enough, at most ``SWEEP_MAX_COUNT`` each.

    Where the clock was ahead and was put right, what began meanwhile gets an end by the present clock.
    """
    with ledger.claiming():
        for task in ledger.misdated_tasks(tasks.latest_end(rules, now), SWEEP_MAX_COUNT):
            ledger.put_task(tasks.redate(task, rules=rules, now=now))
        return _settle(ledger, rules, chance, now)


def work(ledger: Ledger, asked: Leasing) -> tuple[Lane, ...]:
    """The lanes in which a task waits that this worker may have."""
    return tuple(lane for lane in ledger.waiting_lanes() if asked.serves(lane))


def page(
    ledger: Ledger, *, state: TaskState | None, after: str | None, limit: int, tenant: str | None = None
) -> tuple[Placed, ...]:
    """Tasks in the order in which they appeared; fewer than ``limit`` when their manifests are large."""
    return tuple(_within(ledger, ledger.tasks(state=state, after=after, limit=limit, tenant=tenant)))


def check_content(ledger: Ledger, sha256: str) -> None:
    """Whether a content may be given out: the ledger has it, whatever bytes are still there.

    Raises:
        NotFound: the queue does not hold it.
        Recalled: a host took it back.
    """
    if ledger.verified((sha256,)):
        return
    if (recall := ledger.recall_of_content(sha256)) is not None:
        raise recall.refusal(f"content {sha256}")
    raise NotFound(f"no content {sha256}")


def _within(ledger: Ledger, found: tuple[Task, ...]) -> Iterator[Placed]:
    room = ANSWER_MAX_BYTES // 2
    for number, task in enumerate(found):
        placed = _placed(ledger, task)
        room -= len(placed.submission.manifest)
        if room < 0 and number:
            return
        yield placed


def _placed(ledger: Ledger, task: Task) -> Placed:
    submission = ledger.submission(task.submission)
    assert submission is not None  # the ledger holds no task without its submission
    return Placed(task, submission)


def _named(ledger: Ledger, task_id: str, tenant: str | None) -> Task:
    task = find(ledger, task_id).task
    if tenant not in (None, task.tenant):
        raise NotFound(f"no task {task_id}")
    return task


def _next(ledger: Ledger, asked: Leasing, chance: Chance) -> Task | None:
    for lanes in turns(work(ledger, asked), chance):
        first = [task for task in map(ledger.next_task, lanes) if task is not None]
        if first:
            return min(first, key=lambda task: (task.rank, task.id))
    return None


def _put(ledger: Ledger, before: Task, after: Task, submission: Submission | None = None) -> None:
    """Record a transition; a task is done exactly when its verdict is on its way to the host."""
    if after is before:
        return
    ledger.put_task(after)
    if after.verdict is not None:
        told = submission or _placed(ledger, after).submission
        ledger.add_verdict(told.device, told.id, after.verdict)
        if (listed := lookup.to_list(told, after.verdict)) is not None:
            ledger.list_verdict(listed)


def _settle(ledger: Ledger, rules: RetryRules, chance: Chance, now: datetime) -> tuple[Task, ...]:
    moved: list[Task] = []
    for task in ledger.overdue_tasks(now, SWEEP_MAX_COUNT):
        moved.append(tasks.expire(task, rules=rules, chance=chance(), now=now))
        _put(ledger, task, moved[-1])
    for task in ledger.rested_tasks(now, SWEEP_MAX_COUNT):
        moved.append(tasks.wake(task, now=now))
        _put(ledger, task, moved[-1])
    return tuple(moved)
