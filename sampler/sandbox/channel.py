"""Frames as the event loop reads and writes them: the agent's end of a child's or the nursery's socket.

The deadline is the caller's. What comes from a child is hostile: a length is checked before it is allocated for, and
descriptors that a child passes along are dropped by the kernel, because they are never asked for.

Thousands of small files a second pass here, so a frame usually costs one system call: it is sent before anyone asks
whether the socket can take it, and the loop watches the socket for as long as somebody receives each time it has
something, instead of being told anew for each frame.
"""

from __future__ import annotations

import array
import asyncio
import socket
from collections.abc import Sequence
from typing import TypeAlias

from sampler.limits import FRAME_MAX_BYTES
from sampler.sandbox.assembling import Assembler
from sampler.sandbox.framing import FrameError, close_all, header_of, receive_some_into

_Outcome: TypeAlias = bytes | FrameError | EOFError | OSError


class Channel:
    """One Unix stream socket; it owns the socket and closes it. One task at a time sends and receives."""

    def __init__(self, peer: socket.socket) -> None:
        peer.setblocking(False)
        self._peer = peer
        self._incoming = Assembler()
        self._ceiling = FRAME_MAX_BYTES
        self._descriptors_wanted = 0
        self._descriptors: list[int] = []
        self._waiter: asyncio.Future[_Outcome] | None = None
        self._watching: asyncio.AbstractEventLoop | None = None
        self._is_late = False

    async def exchange(self, payload: bytes, descriptor: int, deadline_seconds: float) -> bytes:
        """Send one frame with one descriptor and receive one without.

        Raises:
            TimeoutError: that was not done after ``deadline_seconds``.
            FrameError, EOFError, OSError: as ``send`` and ``receive``.
        """
        self._is_late = False
        timer = asyncio.get_running_loop().call_later(deadline_seconds, self._interrupt)
        try:
            await self.send(payload, (descriptor,))
            return await self.receive()
        finally:
            timer.cancel()

    async def send(self, payload: bytes, descriptors: Sequence[int] = ()) -> None:
        """Write one frame; the descriptors stay the caller's.

        Raises:
            FrameError: the payload is too long; nothing was written.
            OSError: the other side is gone.
        """
        header = header_of(payload)
        parts: Sequence[bytes | memoryview] = (header, payload)
        while (sent := self._send_some(parts, descriptors)) == 0:
            await self._writable()
        if sent < len(header) + len(payload):
            await self._send_rest(memoryview(header + payload)[sent:])

    async def receive(self, *, ceiling: int = FRAME_MAX_BYTES) -> bytes:
        """Read one frame without descriptors.

        Raises:
            FrameError: too long.
            EOFError: the other side closed before the frame's end.
            OSError: the socket failed.
        """
        payload, _ = await self.receive_descriptors(0, ceiling=ceiling)
        return payload

    async def receive_descriptors(self, count: int, *, ceiling: int = FRAME_MAX_BYTES) -> tuple[bytes, list[int]]:
        """Read one frame that brings ``count`` descriptors or none; they are the caller's, close-on-exec.

        Raises:
            FrameError: too long, or another number of descriptors; those that came are closed.
            EOFError, OSError: as ``receive``.
        """
        self._ceiling, self._descriptors_wanted, self._descriptors = ceiling, count, []
        try:
            payload = self._incoming.take(ceiling)
            if payload is None:
                payload = await self._readable()
            if len(self._descriptors) not in (0, count):
                raise FrameError(f"a frame with {len(self._descriptors)} descriptors where {count} belong")
        except BaseException:
            close_all(self._descriptors)
            raise
        return payload, self._descriptors

    def close(self) -> None:
        """Close the socket; whoever reads at the other side sees its end."""
        self._unwatch()
        self._peer.close()

    def _send_some(self, parts: Sequence[bytes | memoryview], descriptors: Sequence[int] = ()) -> int:
        """How many bytes went out; none when the socket is full. Descriptors travel with the first of them."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            return self._peer.sendmsg(parts, rights)
        except BlockingIOError:
            return 0

    async def _send_rest(self, rest: memoryview) -> None:
        while rest:
            await self._writable()
            rest = rest[self._send_some((rest,)) :]

    async def _writable(self) -> None:
        self._unwatch()  # or what the other side says meanwhile would be taken for the answer
        loop = asyncio.get_running_loop()
        loop.add_writer(self._peer, self._settle, b"")
        try:
            await self._settled(loop)
        finally:
            loop.remove_writer(self._peer)

    async def _readable(self) -> bytes:
        """The payload of a frame, once it is whole."""
        loop = asyncio.get_running_loop()
        if self._watching is None:
            loop.add_reader(self._peer, self._on_readable)
            self._watching = loop
        return await self._settled(loop)

    async def _settled(self, loop: asyncio.AbstractEventLoop) -> bytes:
        """What the loop has to say of the socket; errors travel as results: nobody may be left to take them."""
        if self._is_late:  # the deadline passed just after the socket had become writable
            raise TimeoutError("the deadline has passed")
        self._waiter = loop.create_future()
        try:
            outcome = await self._waiter
        finally:
            self._waiter = None
        if isinstance(outcome, bytes):
            return outcome
        raise outcome

    def _settle(self, outcome: _Outcome) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(outcome)

    def _interrupt(self) -> None:
        self._is_late = True
        self._settle(TimeoutError("the deadline has passed"))

    def _on_readable(self) -> None:
        if self._waiter is None or self._waiter.done():
            self._unwatch()  # what nobody asked for stays with the kernel until somebody receives again
            return
        try:
            payload = self._read_some()
        except (BlockingIOError, InterruptedError):
            return
        except (FrameError, EOFError, OSError) as error:
            self._settle(error)
            return
        if payload is not None:
            self._settle(payload)

    def _read_some(self) -> bytes | None:
        """Read once; the payload if a frame is whole by then."""
        space = self._incoming.space()
        if self._descriptors_wanted:
            count, received = receive_some_into(self._peer, space, self._descriptors_wanted)
            self._descriptors += received
        else:
            count = self._peer.recv_into(space)
        if count == 0:
            have, need = self._incoming.progress
            raise EOFError(f"the other side closed after {have} of {need} bytes")
        self._incoming.advance(count)
        return self._incoming.take(self._ceiling)

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.remove_reader(self._peer)
            self._watching = None
