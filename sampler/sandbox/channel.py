"""Frames as the event loop reads and writes them: the agent's end of a child's or the nursery's socket.

The deadline is the caller's (``asyncio.timeout``). What comes from a child is hostile: a length is checked before it is
allocated for, and descriptors that a child passes along are dropped by the kernel, because they are never asked for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from sampler.limits import FRAME_MAX_BYTES
from sampler.sandbox.framing import HEADER, FrameError, check_length, close_all, header_of, receive_some

_Watch = Callable[..., Any]


class Channel:
    """One Unix stream socket; it owns the socket and closes it."""

    def __init__(self, peer: socket.socket) -> None:
        peer.setblocking(False)
        self._peer = peer

    async def send(self, payload: bytes, descriptors: Sequence[int] = ()) -> None:
        """Write one frame; the descriptors stay the caller's.

        Raises:
            FrameError: the payload is too long; nothing was written.
            OSError: the other side is gone.
        """
        loop = asyncio.get_running_loop()
        header = header_of(payload)
        sent = 0
        if descriptors:
            await _ready(loop.add_writer, loop.remove_writer, self._peer)
            sent = socket.send_fds(self._peer, [header], list(descriptors))
        await loop.sock_sendall(self._peer, header[sent:] + payload)

    async def receive(self, *, ceiling: int = FRAME_MAX_BYTES) -> bytes:
        """Read one frame without descriptors.

        Raises:
            FrameError: too long.
            EOFError: the other side closed before the frame's end.
            OSError: the socket failed.
        """
        return await self._payload(await self._exactly(HEADER.size), ceiling)

    async def receive_descriptors(self, count: int, *, ceiling: int = FRAME_MAX_BYTES) -> tuple[bytes, list[int]]:
        """Read one frame that brings ``count`` descriptors or none; they are the caller's, close-on-exec.

        Raises:
            FrameError: too long, or another number of descriptors; those that came are closed.
            EOFError, OSError: as ``receive``.
        """
        loop = asyncio.get_running_loop()
        await _ready(loop.add_reader, loop.remove_reader, self._peer)
        start, descriptors = receive_some(self._peer, HEADER.size, count)
        try:
            if not start:
                raise EOFError("the other side closed")
            if len(descriptors) not in (0, count):
                raise FrameError(f"a frame with {len(descriptors)} descriptors where {count} belong")
            header = start + await self._exactly(HEADER.size - len(start))
            return await self._payload(header, ceiling), descriptors
        except BaseException:
            close_all(descriptors)
            raise

    def close(self) -> None:
        """Close the socket; whoever reads at the other side sees its end."""
        self._peer.close()

    async def _payload(self, header: bytes, ceiling: int) -> bytes:
        (length,) = HEADER.unpack(header)
        check_length(length, ceiling)
        return await self._exactly(length)

    async def _exactly(self, size: int) -> bytes:
        loop = asyncio.get_running_loop()
        data = bytearray(size)
        filled = 0
        while filled < size:
            count = await loop.sock_recv_into(self._peer, memoryview(data)[filled:])
            if count == 0:
                raise EOFError(f"the other side closed after {filled} of {size} bytes")
            filled += count
        return bytes(data)


async def _ready(watch: _Watch, unwatch: _Watch, peer: socket.socket) -> None:
    """Wait until the loop says that ``peer`` can be read or written."""
    ready = asyncio.Event()
    watch(peer.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        unwatch(peer.fileno())
