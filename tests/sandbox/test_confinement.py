"""What is taken from a process, each in a process of its own, because nothing of it can be given back."""

from __future__ import annotations

import asyncio
import sys

import pytest

PRELUDE = """
import os, resource, sys
from sampler.sandbox.confinement import ConfinementError, confine, die_with_parent, hide_memory, keep_only
def fails(deed, *kinds):
    try:
        deed()
    except kinds as error:
        return type(error).__name__
"""


async def run(script: str) -> str:
    """What a script writes, run in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", PRELUDE + script),
        env={},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return output.decode().strip()


async def test_descriptors() -> None:
    """Only the descriptors that are named stay open."""
    script = """
    kept, closed = os.memfd_create("kept"), os.memfd_create("closed")
    keep_only((0, 1, 2, kept))
    os.write(1, repr((os.fstat(kept).st_size, fails(lambda: os.fstat(closed), OSError))).encode())
    """
    assert await run(dedented(script)) == "(0, 'OSError')"


async def test_a_parent_that_is_gone() -> None:
    """A process whose parent is another one by now refuses to go on, because nobody would end it."""
    script = """
    die_with_parent(os.getppid())
    os.write(1, repr(fails(lambda: die_with_parent(1 << 22), ConfinementError)).encode())
    """
    assert await run(dedented(script)) == "'ConfinementError'"


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        ("bytearray(512 << 20)", "MemoryError"),
        ("open('/proc/self/exe', 'rb').read(1)", "None"),
        ("[os.dup(0) for _ in range(32)]", "OSError"),
        ("os.write(os.memfd_create('x'), b'x')", "OSError"),
    ],
)
async def test_limits(deed: str, error: str) -> None:
    """A confined process has so much memory, so few descriptors and no file of its own; it can still read."""
    script = f"""
    confine(memory_max_bytes=256 << 20)
    os.write(1, str(fails(lambda: {deed}, MemoryError, OSError, ValueError)).encode())
    """
    assert await run(dedented(script)) == error


async def test_lower_limits_stay() -> None:
    """A limit that is lower already is not raised."""
    script = """
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
    confine(memory_max_bytes=256 << 20)
    os.write(1, repr(resource.getrlimit(resource.RLIMIT_NOFILE)).encode())
    """
    assert await run(dedented(script)) == "(10, 10)"


def dedented(script: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in script.splitlines())
