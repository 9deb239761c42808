"""What the demo captures beside the samples: memory, boot records, a report on a process, a trusted file.

Everything is of its own making: a process that maps writable and executable memory and writes a known text there, a
disk image with one partition, a script.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampler.intake import AgentClient
from sampler.limits import MIB
from sampler.model import ObjectState, PartKind, Reason, Sampling, Scope
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.capture_messages import ActivityTarget, BootTarget, CaptureRequest, MemoryTarget
from sampler.wire.messages import TaskView

_PROGRAM: Final = """
import mmap, sys
memory = mmap.mmap(-1, 8192, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(b"harmless text in memory that could be run ")
print("ready", flush=True)
sys.stdin.read()
"""
_SECTOR_BYTES: Final = 512
_PARTITION_SECTOR: Final = 2048


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture: what it is called, the scope that it needs, and the kind of its parts; ``None``: the whole goes."""

    name: str
    scope: Scope
    parts: PartKind | None
    view: ObjectView


async def capture_all(client: AgentClient, folder: Path) -> list[Captured]:
    """Have the agent capture one of each.

    Args:
        client: the agent.
        folder: where image and script are made.
    """
    image, script = _image(folder / "disk.img"), _script(folder / "trusted.sh")
    async with _process() as pid:
        memory = await client.capture(CaptureRequest(target=MemoryTarget(pid=pid)))
        activity = await client.capture(CaptureRequest(target=ActivityTarget(pid=pid)))
    boot = await client.capture(CaptureRequest(target=BootTarget(path=str(image))))
    request = FlagRequest(path=str(script), reason=Reason.TRUSTED.value, wants=Sampling.WHOLE)
    trusted = await client.flag(request)
    return [
        Captured("capture/memory", Scope.MEMORY, PartKind.MEMORY, memory),
        Captured("capture/boot", Scope.BOOT, PartKind.BOOT, boot),
        Captured("capture/activity", Scope.ACTIVITY, None, activity),
        Captured("capture/trusted", Scope.TRUSTED, None, trusted),
    ]


def capture_differences(
    captured: Captured, task: TaskView | None, downloaded: Mapping[str, str], scopes: frozenset[Scope]
) -> list[str]:
    """Every way in which a capture's end, on the host and at the queue, is not what the consent makes of it."""
    return list(_differences(captured, task, downloaded, scopes))


def _differences(
    captured: Captured, task: TaskView | None, downloaded: Mapping[str, str], scopes: frozenset[Scope]
) -> Iterator[str]:
    view = captured.view
    expected = ObjectState.DELIVERED if captured.scope in scopes else ObjectState.REFUSED
    if view.state != expected:
        yield f"state is {view.state}, expected {expected}: {view.detail}"
    if (task is not None) is not (expected is ObjectState.DELIVERED):
        yield "the queue knows it, though nothing was to be sent" if task is not None else "the queue does not know it"
    if task is None:
        return
    kinds = {content.part.kind if content.part else None for content in task.contents}
    if kinds != {captured.parts}:
        yield f"the queue has parts of the kinds {sorted(str(kind) for kind in kinds)}"
    for content in task.contents:
        if downloaded.get(content.sha256) != content.sha256:
            yield f"what the queue gives out of {content.sha256} does not hash to that"


@asynccontextmanager
async def _process() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process.pid
    finally:
        await process.communicate(b"")


def _image(path: Path) -> Path:
    table = bytearray(_SECTOR_BYTES)
    struct.pack_into("<4B4BII", table, 446, 0x80, 0, 0, 0, 0x0C, 0, 0, 0, _PARTITION_SECTOR, 4096)
    table[510:] = b"\x55\xaa"
    with path.open("wb") as file:
        file.write(table)
        file.seek(_PARTITION_SECTOR * _SECTOR_BYTES)
        file.write(b"\xeb\x58\x90SAMPLER a boot record that boots nothing")
        file.truncate(4 * MIB)
    return path


def _script(path: Path) -> Path:
    path.write_text("#!/bin/sh\necho a trusted script\n")
    return path
