"""The one door through which blocking work leaves the event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BufferedWriter
from typing import ParamSpec, TypeVar

from aiofiles.threadpool import wrap
from aiofiles.threadpool.binary import AsyncBufferedIOBase

P = ParamSpec("P")
T = TypeVar("T")

_THREADS_MAX_COUNT = 8
_pool = ThreadPoolExecutor(_THREADS_MAX_COUNT, thread_name_prefix="blocking")


async def off_loop(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a thread and wait for its result.

    A cancelled caller stops waiting. A function that has begun runs to its end unobserved; one that still stood in the
    queue never begins.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, functools.partial(function, *args, **kwargs))


def file_off_loop(file: BufferedWriter) -> AsyncBufferedIOBase:
    """The same open file with methods to be awaited; who opened it closes it."""
    wrapped: AsyncBufferedIOBase = wrap(file, loop=asyncio.get_running_loop(), executor=_pool)
    return wrapped


class Lane:
    """A door of one thread, for what must happen in order on one thread (an SQLite connection, for one)."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function after everything that was given to this lane before."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, functools.partial(function, *args, **kwargs)
        )

    async def close(self) -> None:
        """Wait for what is under way and end the thread."""
        await off_loop(self._pool.shutdown)
