"""What a worker needs of the queue, and how its work can end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sampler.wire.messages import CompleteRequest, FailRequest, Lease, LeaseRequest, RenewRequest, TaskView


class TaskQueue(Protocol):
    """The queue as a worker sees it; ``PeopleClient`` is one, and its errors are the ones that count here."""

    async def lease(self, request: LeaseRequest) -> Lease | None:
        """The next task, or ``None``."""

    async def renew(self, task: str, request: RenewRequest) -> TaskView:
        """Keep a lease longer."""

    async def complete(self, task: str, request: CompleteRequest) -> TaskView:
        """Report a verdict."""

    async def fail(self, task: str, request: FailRequest) -> TaskView:
        """Give a task back."""

    def watch(self, task: str) -> AsyncGenerator[TaskView, None]:
        """A task now and after each change, until the stream ends."""

    async def download(self, sha256: str, size: int, path: Path) -> str:
        """Write a verified content to a new private file."""


class Ending(StrEnum):
    """How the work on one task ended."""

    COMPLETED = "completed"
    """The queue took the verdict."""
    FAILED = "failed"
    """The analyzer could not tell; the queue knows why."""
    ABANDONED = "abandoned"
    """The lease was lost, or the queue would not take the report; the task is somebody else's."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tasks ended how."""

    completed: int = 0
    failed: int = 0
    abandoned: int = 0

    def plus(self, ending: Ending) -> Tally:
        """One more that ended so."""
        return replace(self, **{ending.value: getattr(self, ending.value) + 1})
