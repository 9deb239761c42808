"""What is taken from a process, each in a process of its own, because nothing of it can be given back."""

from __future__ import annotations

import asyncio
import struct
import sys

import pytest

from sampler.sandbox import landlock

PRELUDE = """
import os, resource, sys
from sampler.sandbox.confinement import (
    ConfinementError, confine, die_with_parent, hide_memory, keep_only, limit_resources
)
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
        ("open('/proc/self/exe', 'rb').read(1)", "PermissionError"),
        ("os.stat('/')", "PermissionError"),
        ("[os.dup(0) for _ in range(32)]", "OSError"),
        ("os.write(file, b'x')", "OSError"),
    ],
)
async def test_limits(deed: str, error: str) -> None:
    """A confined process has so much memory, so few descriptors, and writes and finds no file."""
    script = f"""
    file = os.memfd_create('x')
    confine(memory_max_bytes=256 << 20)
    os.write(1, str(fails(lambda: {deed}, MemoryError, OSError, ValueError)).encode())
    """
    assert await run(dedented(script)) == error


async def test_memory_stays_hidden() -> None:
    """Neither the new user namespace nor giving up capabilities makes a process visible to others again."""
    script = """
    from sampler.sandbox import namespaces
    hide_memory()
    held = namespaces.separate() + namespaces.drop_capabilities()
    import ctypes
    os.write(1, repr((ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), held.layers[-1])).encode())
    """
    assert await run(dedented(script)) == "(0, 'no capabilities')"


@pytest.mark.parametrize(
    ("layer", "deed"),
    [
        ("landlock.give_no_rights()", "open('/proc/self/exe', 'rb')"),
        ("landlock.give_no_rights()", "os.listdir('/')"),
        ("landlock.give_no_rights()", "os.kill(os.getppid(), 0)"),
        ("landlock.give_no_rights()", "socket.create_connection(server.getsockname())"),
        ("namespaces.separate()", "socket.create_connection(server.getsockname())"),
        ("namespaces.separate()", "datagrams.sendto(b'x', server.getsockname())"),
        ("namespaces.separate() + namespaces.drop_capabilities()", "os.setuid(os.getuid() + 1)"),
    ],
)
async def test_layers_hold_on_their_own(layer: str, deed: str) -> None:
    """Behind the system-call filter, each layer refuses by itself what it is there for."""
    script = f"""
    import socket
    from sampler.sandbox import landlock, namespaces
    from sampler.sandbox.kernel import prctl
    server = socket.create_server(("127.0.0.1", 0))
    prctl(38, 1)
    held = {layer}
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    os.write(1, repr((held.missing, fails(lambda: {deed}, OSError) is not None)).encode())
    """
    assert await run(dedented(script)) == "((), True)"


def test_landlock_of_older_kernels() -> None:
    """Only rights that a version knows are handled: a kernel refuses what it does not know."""
    unpacked = {version: struct.unpack("=QQQ", landlock.handled(version)) for version in (1, 2, 3, 4, 5, 6, 7)}
    assert unpacked[1] == (0x1FFF, 0, 0)
    assert unpacked[3] == (0x7FFF, 0, 0)
    assert unpacked[4] == (0x7FFF, 3, 0)
    assert unpacked[5] == (0xFFFF, 3, 0)
    assert unpacked[6] == unpacked[7] == (0xFFFF, 3, 3)


async def test_lower_limits_stay() -> None:
    """A limit that is lower already is not raised."""
    script = """
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
    limit_resources(256 << 20)
    os.write(1, repr(resource.getrlimit(resource.RLIMIT_NOFILE)).encode())
    """
    assert await run(dedented(script)) == "(10, 10)"


def dedented(script: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in script.splitlines())
