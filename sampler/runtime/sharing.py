"""Calls that callers share: one runs for a key, the others wait for its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedCalls(Generic[T]):
    """Keeps one task a key. A caller that goes away leaves the call running, since others may wait for it."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    def is_running(self, key: str) -> bool:
        """Whether a call for this key is under way."""
        return key in self._tasks

    async def run(self, key: str, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of the call that is under way for this key, or of a new one."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(call(), name=f"shared/{key}")
            task.add_done_callback(lambda _: self._tasks.pop(key))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
