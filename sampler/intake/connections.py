"""Connections as they arrive: who it is, which descriptor came along, and the hand-over to the HTTP server.

A descriptor (unix(7), SCM_RIGHTS) comes with the first bytes of a connection, and only there: the first receive is our
own and has room for one descriptor, those beyond it are closed by the kernel, as are all that come later. Then the HTTP
server gets the socket, and the first bytes before all others.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final

from sampler.model import Peer

_FIRST_MAX_BYTES: Final = 64 * 1024
_ROOM: Final = socket.CMSG_LEN(array.array("i").itemsize)


class Connection:
    """One connection: its peer, and its descriptor until somebody takes it."""

    def __init__(self, peer: Peer, descriptor: int | None) -> None:
        self.peer = peer
        self.descriptor = descriptor

    def give_descriptor(self) -> int | None:
        """Hand the descriptor over; whoever calls closes it. Only the first call gets it."""
        descriptor, self.descriptor = self.descriptor, None
        return descriptor

    def close(self) -> None:
        """Close the descriptor if nobody took it."""
        if (descriptor := self.give_descriptor()) is not None:
            os.close(descriptor)


class HandOver(asyncio.Protocol):
    """Feeds an HTTP protocol the bytes that were received before it existed, then passes everything on."""

    def __init__(self, http: asyncio.Protocol, first: bytes, ended: Callable[[], None]) -> None:
        self._http = http
        self._first = first
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop reads the socket only after this returns, so that the first bytes stay the first."""
        self._http.connection_made(transport)
        self._http.data_received(self._first)
        self._first = b""

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return self._http.eof_received()

    def pause_writing(self) -> None:
        """Pass on."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on, and forget the connection."""
        self._http.connection_lost(exc)
        self._ended()


async def receive_first(connection: socket.socket) -> tuple[bytes, int | None]:
    """The first bytes of a connection, empty at its end, and the descriptor that came with them.

    Raises:
        OSError: the connection broke.
    """
    while True:
        await _readable(connection)
        try:
            data, ancillary, _, _ = connection.recvmsg(_FIRST_MAX_BYTES, _ROOM, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            continue
        return data, _only(ancillary)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)


def _only(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The one descriptor; should the kernel ever hand over more, they are closed."""
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    for surplus in descriptors[1:]:
        os.close(surplus)
    return descriptors[0] if descriptors else None
