"""Frames over a Unix stream socket, as the blocking side (nursery and children) reads and writes them.

A frame is a 4-byte big-endian length and that many bytes. Descriptors travel as SCM_RIGHTS (unix(7)) with the first
byte of the header, so they arrive with their frame or not at all. A length above the ceiling is refused before anything
is allocated for it.
"""

from __future__ import annotations

import array
import os
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final

from sampler.limits import FRAME_MAX_BYTES

HEADER: Final = struct.Struct(">I")
_DESCRIPTORS_MAX_COUNT: Final = 4


class FrameError(Exception):
    """The other side broke the framing: a frame that is too long, cut off, or with the wrong number of descriptors."""


def header_of(payload: bytes) -> bytes:
    """The header of a frame that carries ``payload``.

    Raises:
        FrameError: it is longer than ``FRAME_MAX_BYTES``.
    """
    check_length(len(payload), FRAME_MAX_BYTES)
    return HEADER.pack(len(payload))


def check_length(length: int, ceiling: int) -> None:
    """Raise ``FrameError`` when a frame of ``length`` bytes is above ``ceiling``."""
    if length > ceiling:
        raise FrameError(f"a frame of {length} bytes, at most {ceiling} are taken")


def send_frame(
    peer: socket.socket, payload: bytes, descriptors: Sequence[int] = (), *, deadline_seconds: float | None = None
) -> None:
    """Write one frame.

    Raises:
        FrameError: the payload is too long; nothing was written.
        TimeoutError: the other side did not read it within ``deadline_seconds``.
        OSError: the other side is gone.
    """
    header = header_of(payload)
    peer.settimeout(deadline_seconds)
    sent = socket.send_fds(peer, [header], list(descriptors)) if descriptors else 0
    peer.sendall(header[sent:] + payload)


def receive_frame(
    peer: socket.socket,
    *,
    descriptors: int = 0,
    ceiling: int = FRAME_MAX_BYTES,
    deadline_seconds: float | None = None,
) -> tuple[bytes, list[int]] | None:
    """Read one frame that brings exactly ``descriptors`` descriptors (close-on-exec); ``None`` at the peer's end.

    Raises:
        FrameError: too long, cut off, or with another number of descriptors; those that came are closed.
        TimeoutError: it was not complete within ``deadline_seconds``.
        OSError: the socket failed.
    """
    reader = _Reader(peer, deadline_seconds)
    try:
        header = reader.take(HEADER.size)
        if header is None:
            return None
        (length,) = HEADER.unpack(header)
        check_length(length, ceiling)
        payload = reader.take(length)
        if payload is None:
            raise FrameError("the frame was cut off after its header")
        if len(reader.received) != descriptors:
            raise FrameError(f"a frame with {len(reader.received)} descriptors where {descriptors} belong")
    except BaseException:
        close_all(reader.received)
        raise
    return payload, reader.received


def receive_some_into(peer: socket.socket, space: memoryview, descriptors: int) -> tuple[int, list[int]]:
    """Read once: how many bytes came, and at most ``descriptors`` descriptors, close-on-exec; more are dropped.

    ``socket.recv_fds`` passes no flags on (CPython 3.11), so that what it receives would be inherited.
    """
    received = array.array("i")
    count, ancillary, _, _ = peer.recvmsg_into(
        (space,), socket.CMSG_LEN(descriptors * received.itemsize), socket.MSG_CMSG_CLOEXEC
    )
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(content[: len(content) - len(content) % received.itemsize])
    return count, list(received)


def close_all(descriptors: Sequence[int]) -> None:
    """Close every one of them."""
    for descriptor in descriptors:
        os.close(descriptor)


class _Reader:
    """Collects bytes, and the descriptors that come with them, until one deadline for all of it."""

    def __init__(self, peer: socket.socket, deadline_seconds: float | None) -> None:
        self._peer = peer
        self._end = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        self.received: list[int] = []

    def take(self, size: int) -> bytes | None:
        """Exactly ``size`` bytes, or ``None`` when the peer closed before the first of them."""
        data = bytearray(size)
        filled = 0
        while filled < size:
            self._peer.settimeout(self._left())
            count, received = receive_some_into(self._peer, memoryview(data)[filled:], _DESCRIPTORS_MAX_COUNT)
            self.received.extend(received)
            if count == 0 and filled == 0:
                return None
            if count == 0:
                raise FrameError(f"a frame was cut off after {filled} of {size} bytes")
            filled += count
        return bytes(data)

    def _left(self) -> float | None:
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the frame did not arrive in time")
        return left
