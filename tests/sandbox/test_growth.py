"""Looking at a process's memory from outside."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from sampler.sandbox.growth import Growth

HIDDEN = """
import ctypes, mmap, os, signal
from sampler.sandbox.confinement import hide_memory
from sampler.sandbox.growth import Growth
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
ready, go = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    hide_memory()
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    kept = b"x" * (16 << 20)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os._exit(0)
os.read(ready[0], 1)
growth = Growth(pid)
os.write(go[1], b"x")
os.read(ready[0], 1)
os.write(1, str(growth.grown_bytes >> 20).encode())
os.write(go[1], b"x")
os.waitpid(pid, 0)
os.write(1, b" %d" % growth.grown_bytes)
"""


async def test_a_process_that_hides_its_memory() -> None:
    """An ordinary user sees how much a process grew that lets nobody look into it; one that ended has not grown."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", HIDDEN), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaints = await asyncio.wait_for(process.communicate(), 30)
    assert output == b"16 0", complaints


def test_what_cannot_be_seen_has_not_grown() -> None:
    """Where there is no such file in /proc nothing grows, and closing is no trouble."""
    growth = Growth(1 << 30)
    assert growth.grown_bytes == 0
    growth.close()
    growth.close()


def test_closing() -> None:
    """The file in /proc is given back."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    growth = Growth(os.getpid())
    growth.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
