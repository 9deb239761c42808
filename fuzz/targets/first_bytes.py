"""The first bytes of a local connection and the descriptors with them; the first byte of an input is how many."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Iterator
from typing import Final

from fuzz.target import Target
from sampler.intake.connections import Connection, receive_first
from sampler.limits import KIB, MIB
from sampler.model import Peer


def one_input(data: bytes) -> None:
    """The bytes as they were written, at most one descriptor, and none that is left open."""
    sent, written = (data[0] % 8, data[1:]) if data else (0, b"")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        ours.setblocking(False)
        with theirs, open(os.devnull, "rb") as passed:
            if written and sent:
                socket.send_fds(theirs, [written], [passed.fileno()] * sent)
            elif written:
                theirs.sendall(written)
        first, descriptor = _loop().run_until_complete(receive_first(ours))
    connection = Connection(Peer(0, 0, 1), descriptor)
    connection.close()
    assert written.startswith(first)
    assert bool(first) == bool(written)
    assert (descriptor is not None) == bool(sent and written)


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _seeds() -> Iterator[bytes]:
    yield b"\0POST /v1/flag HTTP/1.1\r\nHost: agent\r\nContent-Length: 2\r\n\r\n{}"
    yield b"\1POST /v1/flag HTTP/1.1\r\nHost: agent\r\nContent-Length: 2\r\n\r\n{}"
    yield b"\7x"


TARGET: Final = Target(one_input, _seeds, prepare=_loop, max_bytes=96 * KIB, memory_max_bytes=16 * MIB)
