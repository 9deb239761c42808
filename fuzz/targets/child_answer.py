"""What a child writes after it was given an object: the agent gets an answer, or ``ChildDied``.

The first byte of an input says whether the child repeats the mark of its request, as only an honest one or a lucky one
does, and whether the header tells the true length.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import subprocess
from collections.abc import Iterator
from typing import Final

from fuzz.target import Target
from sampler.errors import ChildDied
from sampler.limits import MIB
from sampler.sandbox.child import ANSWERED, GAVE_UP, MARK_BYTES
from sampler.sandbox.framing import HEADER
from sampler.sandbox.warden import ChildProcess

REQUEST: Final = b"request"
_DEADLINE_SECONDS: Final = 30.0


def one_input(data: bytes) -> None:
    """The bytes behind the mark are the answer, or the child is taken for dead."""
    how, written = (data[0], data[1:]) if data else (0, b"")
    answer = _loop().run_until_complete(_ask(written, marked=bool(how & 1), framed=bool(how & 2)))
    assert answer is None or written.endswith(answer) or not how & 2


async def _ask(written: bytes, *, marked: bool, framed: bool) -> bytes | None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = ChildProcess(os.getpid(), ours, os.dup(_ended()))
    with theirs, open(os.devnull, "rb") as passed:
        theirs.setblocking(False)
        asking = asyncio.create_task(child.ask(REQUEST, passed.fileno(), _DEADLINE_SECONDS))
        try:
            request = await _request(theirs)
            answer = request[HEADER.size :][:MARK_BYTES] * marked + written
            theirs.send(HEADER.pack(len(answer)) * framed + answer)
            theirs.shutdown(socket.SHUT_WR)
            return await asking
        except ChildDied:
            return None
        finally:
            child.forget()


async def _request(child: socket.socket) -> bytes:
    """The whole request, whose descriptor the kernel drops because nobody asks for it."""
    data = b""
    while len(data) < HEADER.size + MARK_BYTES + len(REQUEST):
        data += await asyncio.get_running_loop().sock_recv(child, 1024)
    return data


@functools.cache
def _ended() -> int:
    """A pidfd that names nobody any more: forgetting a child kills it."""
    process = subprocess.Popen(["/bin/true"])
    pidfd = os.pidfd_open(process.pid)
    process.wait()
    return pidfd


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _prepare() -> None:
    _ended()
    _loop()


def _seeds() -> Iterator[bytes]:
    yield b"\3" + ANSWERED + b"an answer"
    yield b"\3" + GAVE_UP + b"ValueError: \xff"
    yield b"\2" + bytes(MARK_BYTES) + ANSWERED
    yield b"\0\xff\xff\xff\xff"
    yield b"\0\0\0\0\0"


TARGET: Final = Target(
    one_input, _seeds, tokens=(ANSWERED, GAVE_UP, b"\xff\xff\xff\xff"), prepare=_prepare, memory_max_bytes=16 * MIB
)
