"""Frames of the sandbox, as both ends read them: the blocking side and the event loop's.

The first byte of an input says how many descriptors are sent (low three bits) and how many are expected (the next two);
the rest is what the other side writes before it closes.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from fuzz.target import Target
from sampler.limits import KIB, MIB
from sampler.sandbox.channel import Channel
from sampler.sandbox.framing import FrameError, close_all, receive_frame

CEILING: Final = 4 * KIB
"""Of the frames that are read here; inputs are longer, so that it can be passed."""
_Read = Callable[[socket.socket, int], tuple[bytes, list[int]] | None]


def one_input(data: bytes) -> None:
    """A frame within the ceiling with the right number of descriptors, the end, or one of two errors."""
    sent, expected, written = data[:1] or b"\0", data[:1] or b"\0", data[1:]
    for read in (_blocking, _plain, _with_descriptors):
        _read_once(read, written, sent[0] & 7, expected[0] >> 3 & 3)


def _read_once(read: _Read, written: bytes, sent: int, expected: int) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        with theirs, open(os.devnull, "rb") as passed:
            if written and sent:
                socket.send_fds(theirs, [written], [passed.fileno()] * sent)
            elif written:
                theirs.sendall(written)
        try:
            received = read(ours, expected)
        except (FrameError, EOFError):
            return
    if received is not None:
        payload, descriptors = received
        close_all(descriptors)
        assert payload == written[4 : 4 + len(payload)]
        assert len(payload) <= CEILING


def _blocking(peer: socket.socket, expected: int) -> tuple[bytes, list[int]] | None:
    received = receive_frame(peer, descriptors=expected, ceiling=CEILING, deadline_seconds=5)
    assert received is None or len(received[1]) == expected
    return received


def _plain(peer: socket.socket, expected: int) -> tuple[bytes, list[int]]:
    with closing(Channel(peer)) as channel:
        return _loop().run_until_complete(channel.receive(ceiling=CEILING)), []


def _with_descriptors(peer: socket.socket, expected: int) -> tuple[bytes, list[int]]:
    with closing(Channel(peer)) as channel:
        received = _loop().run_until_complete(channel.receive_descriptors(expected, ceiling=CEILING))
    assert len(received[1]) in (0, expected)
    return received


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _seeds() -> Iterator[bytes]:
    for first in (0, 0b01001, 0b10010, 0b00111, 0b11001):
        yield bytes([first]) + b"\0\0\0\5hello"
        yield bytes([first]) + b"\0\0\0\0"
        yield bytes([first]) + b"\0\0\x10\1" + bytes(CEILING + 1)
        yield bytes([first]) + b"\xff\xff\xff\xff"


TARGET: Final = Target(
    one_input, _seeds, tokens=(b"\0\0\0\0", b"\0\0\x10\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"), prepare=_loop,
    memory_max_bytes=16 * MIB,
)  # fmt: skip
