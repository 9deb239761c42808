"""``sampler`` as a process, as people run it, and waiting for what it brings about."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

WAIT_SECONDS = 40.0


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


async def run(*arguments: str, stdin: bytes = b"") -> Said:
    """A command to its end, in a terminal of 80 columns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sampler", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    return Said(process.returncode or 0, out.decode(), err.decode())


async def patiently(what: str, look: Callable[[], Awaitable[Any]], *, seconds: float = WAIT_SECONDS) -> Any:
    """The first answer of ``look`` that is something."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await look()):
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError(f"{what} did not come in {seconds:g} s") from error
    return found
