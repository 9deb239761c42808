"""One program under limits: time, CPU, memory, file sizes, processes, output, and without the network unless it may
have it. When this returns, nothing of it runs any more.

The program gets no shell, no standard input, a minimal environment and a session of its own; the launcher beside this
module sets its limits and kills whatever it leaves behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from sampler.limits import (
    ANALYSIS_SECONDS,
    ANALYZER_FILE_MAX_BYTES,
    ANALYZER_MEMORY_MAX_BYTES,
    ANALYZER_PROCESSES_MAX_COUNT,
    ANALYZER_STDERR_TAIL_BYTES,
    ANALYZER_STDOUT_MAX_BYTES,
)
from sampler.worker.analyzers import launcher
from sampler.worker.finishing import finish

log = structlog.get_logger()

_READ_BYTES: Final = 65536
_LAUNCHER: Final = (sys.executable, "-I", "-S", launcher.__file__)
_STOP_SECONDS: Final = 5.0
"""How long the launcher gets to end everything before its process group is killed."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of this machine."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one run may use."""

    seconds: float = ANALYSIS_SECONDS
    cpu_seconds: int = int(ANALYSIS_SECONDS)
    memory_max_bytes: int = ANALYZER_MEMORY_MAX_BYTES
    """Of address space, each process."""
    file_max_bytes: int = ANALYZER_FILE_MAX_BYTES
    """One file that it writes."""
    processes_max_count: int = ANALYZER_PROCESSES_MAX_COUNT
    """Of it at the same time, threads counted; holds where it has no network, and never for root."""
    network: bool = False
    """Whether it may have the network."""
    owner: Owner | None = None
    """Whom it runs as; ``None``: as the worker."""
    stdout_max_bytes: int = ANALYZER_STDOUT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Run:
    """How a program ended."""

    status: int
    """Exit status; 128 and the number of the signal that ended it."""
    stdout: bytes
    """At most the ceiling and one byte."""
    stderr_tail: bytes
    timed_out: bool = False


async def gives_namespaces() -> bool:
    """Whether this kernel lets analyzers be kept off the network.

    Raises:
        OSError: no process can be started.
    """
    probe = await asyncio.create_subprocess_exec(*_LAUNCHER, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    return await probe.wait() == 0


async def run_limited(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limits: ProcessLimits
) -> Run:
    """Run a program in ``folder`` to its end, its time limit or its output ceiling, whichever comes first.

    Cancelling kills it as well.

    Raises:
        OSError: no process can be started.
    """
    process = await asyncio.create_subprocess_exec(
        *_launch(command, limits),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
    )
    output, words = bytearray(), bytearray()
    timed_out = False
    try:
        async with asyncio.timeout(limits.seconds):
            await _follow(process, output, words, limits.stdout_max_bytes)
    except TimeoutError:
        timed_out = True
    finally:
        await finish(_stop(process))
    return Run(_status(process.returncode), bytes(output), bytes(words), timed_out)


def _launch(command: Sequence[str], limits: ProcessLimits) -> list[str]:
    owner = limits.owner or Owner(-1, -1)
    holds = launcher.Holds(
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_max_bytes,
        file_bytes=limits.file_max_bytes,
        processes=limits.processes_max_count,
        network=int(limits.network),
        uid=owner.uid,
        gid=owner.gid,
    )
    return [*_LAUNCHER, str(os.getpid()), *map(str, holds), *command]


async def _follow(process: Process, output: bytearray, words: bytearray, ceiling: int) -> None:
    """Read both streams until the program ends, or until its output passes the ceiling."""
    assert process.stdout is not None  # both are pipes
    assert process.stderr is not None
    last_words = asyncio.create_task(_keep_tail(process.stderr, words))
    try:
        await _keep_head(process.stdout, output, ceiling)
        if len(output) <= ceiling:
            await process.wait()
            await last_words
    finally:
        last_words.cancel()
        await asyncio.wait([last_words])


async def _keep_head(stream: asyncio.StreamReader, kept: bytearray, ceiling: int) -> None:
    while len(kept) <= ceiling and (chunk := await stream.read(min(_READ_BYTES, ceiling + 1 - len(kept)))):
        kept += chunk


async def _keep_tail(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(_READ_BYTES):
        kept += chunk
        del kept[:-ANALYZER_STDERR_TAIL_BYTES]


async def _stop(process: Process) -> None:
    """Make the launcher end everything; if it does not in time, kill its process group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    if await _ended(process):
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if not await _ended(process):
        log.error("an analyzer's descendant does not end, or holds its output open", launcher=process.pid)


async def _ended(process: Process) -> bool:
    """Wait for the end with both pipes read out: asyncio tells of an end only when nothing is left in them."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(process.wait(), *(_discard(stream) for stream in streams))
    except TimeoutError:
        return False
    return True


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(_READ_BYTES):
        pass


def _status(returncode: int | None) -> int:
    """As shells have it; a process that could not even be waited for counts as killed."""
    ended = -signal.SIGKILL if returncode is None else returncode
    return ended if ended >= 0 else 128 - ended
