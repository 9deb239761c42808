"""Tasks in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sampler.errors import Conflict
from sampler.limits import LANES_MAX_COUNT
from sampler.model import TaskState
from sampler.queue import Lane, Task


class MemoryTasks(ABC):
    """The part of ``queue.Ledger`` that says what is worked on."""

    @property
    @abstractmethod
    def _tasks(self) -> dict[str, Task]:
        """The tasks as they are now, in the order of their making."""

    @property
    @abstractmethod
    def _offered(self) -> Mapping[str, Mapping[str, int]]:
        """The contents that submissions offer."""

    def add_task(self, task: Task) -> None:
        """Record a new task."""
        if task.id in self._tasks or self.task_of(task.submission) is not None:
            raise Conflict(f"the task of submission {task.submission} exists already")
        self._tasks[task.id] = task

    def put_task(self, task: Task) -> None:
        """Replace a task by its next state."""
        if task.id in self._tasks:
            self._tasks[task.id] = task

    def task(self, task_id: str) -> Task | None:
        """The task with this identifier."""
        return self._tasks.get(task_id)

    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""
        return next((task for task in self._tasks.values() if task.submission == submission_id), None)

    def waiting_lanes(self) -> tuple[Lane, ...]:
        """The lanes in which a task waits."""
        lanes = {task.lane for task in self._in(TaskState.WAITING)}
        return tuple(sorted(lanes))[:LANES_MAX_COUNT]

    def next_task(self, lane: Lane) -> Task | None:
        """The waiting task of a lane that has the earliest rank."""
        waiting = [task for task in self._in(TaskState.WAITING) if task.lane == lane]
        return min(waiting, key=lambda task: task.rank, default=None)

    def rested_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Resting tasks that are due, the longest first."""
        due = [task for task in self._in(TaskState.RESTING) if task.not_before <= now]
        return tuple(sorted(due, key=lambda task: task.not_before)[:limit])

    def overdue_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Leased tasks whose lease has run out."""
        ends = [(task.expires, task) for task in self._in(TaskState.LEASED) if task.expires is not None]
        overdue = sorted(((end, task) for end, task in ends if end <= now), key=lambda pair: pair[0])
        return tuple(task for _, task in overdue[:limit])

    def misdated_tasks(self, latest: datetime, limit: int) -> tuple[Task, ...]:
        """Tasks whose lease or rest ends after ``latest``."""
        resting = [task for task in self._in(TaskState.RESTING) if task.not_before > latest]
        leased = [task for task in self._in(TaskState.LEASED) if task.expires is not None and task.expires > latest]
        return tuple((resting + leased)[:limit])

    def next_change(self) -> datetime | None:
        """The soonest moment at which a rest or a lease ends."""
        due = [task.not_before for task in self._in(TaskState.RESTING)]
        ends = [task.expires for task in self._in(TaskState.LEASED) if task.expires is not None]
        return min(due + ends, default=None)

    def tasks(
        self, *, state: TaskState | None, after: str | None, limit: int, tenant: str | None = None
    ) -> tuple[Task, ...]:
        """Tasks in the order in which they appeared, beginning behind the task ``after``; a tenant's where named."""
        order = list(self._tasks)
        behind = order[order.index(after) + 1 :] if after in self._tasks else order
        found = [task for task in map(self._tasks.__getitem__, behind) if state in (None, task.state)]
        return tuple([task for task in found if tenant in (None, task.tenant)][:limit])

    def task_counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state that has any."""
        return dict(Counter(task.state for task in self._tasks.values()))

    def offering(self, sha256: str, limit: int) -> int:
        """How many submissions offer a content, counted up to ``limit``."""
        return min(limit, sum(sha256 in sizes for sizes in self._offered.values()))

    def _in(self, state: TaskState) -> list[Task]:
        return [task for task in self._tasks.values() if task.state is state]
