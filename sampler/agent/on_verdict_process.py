"""One run of the administrator's command: no shell, a minimal environment, limits, and an end.

Neither standard input nor output is a pipe of asyncio's: with those, its end would not be told as long as something
that the command left behind holds on to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import STDOUT, Process
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sampler.agent import on_verdict_launcher
from sampler.agent.verdict_settings import OnVerdictSection
from sampler.agent.views import printable
from sampler.limits import CALL_FILE_MAX_BYTES, CALL_OUTPUT_TAIL_BYTES

_READ_BYTES: Final = 65_536
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Run:
    """How the command ended."""

    status: int
    """Exit status; 128 and the number of the signal that ended it."""
    tail: bytes
    """Its last words, on either stream."""
    timed_out: bool = False

    @property
    def trouble(self) -> str:
        """Why it counts as failed, with its last words; empty: it does not."""
        words = printable(b" ".join(self.tail.split()))
        said = f"; last words: {words}" if words else ""
        if self.timed_out:
            return f"it did not end in time and was killed{said}"
        return f"it ended with status {self.status}{said}" if self.status else ""


async def run_command(settings: OnVerdictSection, told: bytes, environment: Mapping[str, str]) -> Run:
    """Run the command to its end or its time limit; cancelling kills it as well, with its process group.

    What it starts in a session of its own outlives it.

    Args:
        settings: command, user and limits.
        told: its standard input; it need not read it.
        environment: beside ``PATH`` and ``LANG``.

    Raises:
        OSError: no process can be started.
    """
    with _words() as (words, output), _input(told) as standard_input:
        process = await asyncio.create_subprocess_exec(
            *_launch(settings),
            stdin=standard_input,
            stdout=output,
            stderr=STDOUT,
            cwd="/",
            env={"PATH": _PATH, "LANG": "C.UTF-8", **environment},
            start_new_session=True,
        )
        timed_out = not await _ended(process, settings.timeout_seconds)
        words.read()
        return Run(_status(process.returncode), bytes(words.tail), timed_out)


class _Words:
    """The last words on a pipe, read as they come."""

    def __init__(self, descriptor: int) -> None:
        self.tail = bytearray()
        self._descriptor = descriptor

    def read(self) -> None:
        """Take one piece of what is there."""
        with contextlib.suppress(BlockingIOError):
            self.tail += os.read(self._descriptor, _READ_BYTES)
            del self.tail[:-CALL_OUTPUT_TAIL_BYTES]


@contextlib.contextmanager
def _words() -> Iterator[tuple[_Words, int]]:
    """What is said, and the descriptor to say it to."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    loop = asyncio.get_running_loop()
    try:
        os.set_blocking(reading, False)
        words = _Words(reading)
        loop.add_reader(reading, words.read)
        yield words, writing
    finally:
        loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def _input(told: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("verdict", os.MFD_CLOEXEC)
    try:
        os.pwrite(descriptor, told, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _launch(settings: OnVerdictSection) -> list[str]:
    numbers = (settings.cpu_seconds, settings.memory_max_bytes, CALL_FILE_MAX_BYTES)
    how = [str(os.getpid()), settings.user, *map(str, numbers)]
    return [sys.executable, "-I", "-S", on_verdict_launcher.__file__, *how, *settings.command]


async def _ended(process: Process, seconds: float) -> bool:
    """Whether it ended by itself in time; nothing of its process group is left when this returns or raises."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
    return True


def _status(returncode: int | None) -> int:
    """As shells have it."""
    assert returncode is not None  # it was waited for
    return returncode if returncode >= 0 else 128 - returncode
