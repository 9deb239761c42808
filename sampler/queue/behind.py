"""Work that goes on behind its caller's back, one piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Behind:
    """Overlaps reading the next piece with writing this one. Leaving waits for what is under way, however that is."""

    def __init__(self) -> None:
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._work is not None:
            await asyncio.wait((self._work,))

    async def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin this when what was begun before has ended; what that raised is raised, and this does not begin."""
        try:
            await self.end()
        except BaseException:
            work.close()
            raise
        self._work = asyncio.create_task(work)

    async def end(self) -> None:
        """Wait for what is under way; what it raises is raised, once."""
        work, self._work = self._work, None
        if work is None:
            return
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._work = work
            raise
