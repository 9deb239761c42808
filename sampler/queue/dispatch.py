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
from sampler.model import TaskState, Verdict
from sampler.queue import tasks
from sampler.queue.ports import Ledger
from sampler.queue.receiving import SWEEP_MAX_COUNT
from sampler.queue.records import Submission
from sampler.queue.tasks import RetryRules, Task

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
    """Lease the task that has been due longest, or the one named, due or not; ``None`` when nothing is due.

    Raises:
        NotFound: the named one does not exist.
        Conflict: the named one is not waiting.
    """
    with ledger.transaction():
        _expire(ledger, rules, chance, now)
        task = find(ledger, asked.task_id).task if asked.task_id else ledger.next_task(now)
        if task is None:
            return None
        task = tasks.lease(task, worker=asked.worker, token=asked.token, seconds=asked.seconds, now=now)
        ledger.put_task(task)
        return _placed(ledger, task)


def change(ledger: Ledger, task_id: str, step: Callable[[Task], Task]) -> Placed:
    """Take a task through one transition of ``tasks``.

    Raises:
        NotFound: there is no such task.
        Conflict: it is in another state, or under another lease.
    """
    with ledger.transaction():
        before = find(ledger, task_id)
        after = step(before.task)
        if after is not before.task:
            ledger.put_task(after)
        return Placed(after, before.submission)


def complete(ledger: Ledger, task_id: str, token: str, verdict: Verdict, now: datetime) -> Placed:
    """End a task and put its verdict on the way to the host, together.

    Raises:
        NotFound: there is no such task.
        Conflict: it is not under this lease.
    """
    with ledger.transaction():
        before = find(ledger, task_id)
        after = tasks.complete(before.task, token=token, verdict=verdict, now=now)
        if after is not before.task:
            ledger.put_task(after)
            ledger.add_verdict(before.submission.device, after.submission, verdict)
        return Placed(after, before.submission)


def expire(ledger: Ledger, rules: RetryRules, chance: Chance, now: datetime) -> tuple[Task, ...]:
    """Take back tasks whose lease has run out, at most ``SWEEP_MAX_COUNT`` at a time."""
    with ledger.transaction():
        return _expire(ledger, rules, chance, now)


def page(ledger: Ledger, *, state: TaskState | None, after: str | None, limit: int) -> tuple[Placed, ...]:
    """Tasks in the order in which they appeared; fewer than ``limit`` when their manifests are large."""
    return tuple(_within(ledger, ledger.tasks(state=state, after=after, limit=limit)))


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


def _expire(ledger: Ledger, rules: RetryRules, chance: Chance, now: datetime) -> tuple[Task, ...]:
    expired = [
        tasks.expire(task, rules=rules, chance=chance(), now=now) for task in ledger.overdue_tasks(now, SWEEP_MAX_COUNT)
    ]
    for task in expired:
        ledger.put_task(task)
    return tuple(expired)
