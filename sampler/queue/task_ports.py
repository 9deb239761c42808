"""What the queue needs of a store of tasks; ``ports.Ledger`` is one. The rules of ``ports`` hold."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sampler.model import TaskState
from sampler.queue.tasks import Lane, Task


class TasksLedger(Protocol):
    """Tasks by identifier, by lane and rank, and by the moment at which something happens to them."""

    def add_task(self, task: Task) -> None:
        """Record a new task; ``Conflict`` when its submission has one."""

    def put_task(self, task: Task) -> None:
        """Replace a task by its next state. What it was made with (submission, time, points, tenant, plan) stays."""

    def task(self, task_id: str) -> Task | None:
        """The task with this identifier."""

    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""

    def waiting_lanes(self) -> tuple[Lane, ...]:
        """The lanes in which a task waits, at most ``LANES_MAX_COUNT``."""

    def next_task(self, lane: Lane) -> Task | None:
        """The waiting task of a lane that has the earliest rank, of several the one that appeared first.

        Where other processes give out tasks as well, one that they are about to give out is passed over.
        """

    def rested_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Resting tasks that are due, the longest first."""

    def overdue_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Leased tasks whose lease has run out, the longest first."""

    def misdated_tasks(self, latest: datetime, limit: int) -> tuple[Task, ...]:
        """Tasks whose lease or rest ends after ``latest``, in any order."""

    def next_change(self) -> datetime | None:
        """The soonest moment at which a rest or a lease ends; it may lie in the past."""

    def tasks(
        self, *, state: TaskState | None, after: str | None, limit: int, tenant: str | None = None
    ) -> tuple[Task, ...]:
        """Tasks in the order in which they appeared, beginning behind the task ``after``; a tenant's where named."""

    def task_counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state that has any."""

    def offering(self, sha256: str, limit: int) -> int:
        """How many submissions offer a content, counted up to ``limit``."""
