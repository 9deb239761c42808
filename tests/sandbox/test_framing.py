"""Frames as the blocking side reads and writes them."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import FRAME_MAX_BYTES
from sampler.sandbox.framing import FrameError, receive_frame, send_frame

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@given(payloads=st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_sent_arrives(payloads: list[bytes]) -> None:
    """Any sequence of payloads arrives unchanged and in order, and then the end."""
    left, right = socket.socketpair()
    with right:
        with left:
            for payload in payloads:
                send_frame(left, payload)
        for payload in payloads:
            assert receive_frame(right) == (payload, [])
        assert receive_frame(right) is None


def test_a_frame_in_single_bytes(ends: Ends) -> None:
    """A frame that arrives a byte at a time is put together."""
    data = struct.pack(">I", 5) + b"hello"

    def write() -> None:
        for place in range(len(data)):
            ends[0].sendall(data[place : place + 1])

    writer = threading.Thread(target=write)
    writer.start()
    assert receive_frame(ends[1]) == (b"hello", [])
    writer.join()


def test_descriptors_arrive_with_their_frame(ends: Ends, descriptor: int) -> None:
    """Descriptors arrive as new ones, close-on-exec, that show the same file."""
    send_frame(ends[0], b"two", (descriptor, descriptor))
    received = receive_frame(ends[1], descriptors=2)
    assert received is not None
    payload, descriptors = received
    assert payload == b"two"
    for copy in descriptors:
        assert copy != descriptor
        assert not os.get_inheritable(copy)
        assert os.pread(copy, 7, 0) == b"content"
        os.close(copy)


@pytest.mark.parametrize("sent", [0, 2])
def test_another_number_of_descriptors(ends: Ends, descriptor: int, sent: int) -> None:
    """A frame with more or fewer descriptors than belong to it is refused, and those that came are closed."""
    before = open_descriptors()
    send_frame(ends[0], b"x", (descriptor,) * sent)
    with pytest.raises(FrameError, match=f"{sent} descriptors where 1 belong"):
        receive_frame(ends[1], descriptors=1)
    assert open_descriptors() == before


def test_too_long_to_send(ends: Ends) -> None:
    """A payload above the ceiling is not sent at all."""
    with pytest.raises(FrameError, match="at most"):
        send_frame(ends[0], bytes(FRAME_MAX_BYTES + 1))
    ends[0].close()
    assert receive_frame(ends[1]) is None


def test_too_long_to_receive(ends: Ends) -> None:
    """A length above the ceiling is refused before a byte of the payload is read."""
    ends[0].sendall(struct.pack(">I", 11) + bytes(11))
    with pytest.raises(FrameError, match="a frame of 11 bytes, at most 10"):
        receive_frame(ends[1], ceiling=10)
    assert ends[1].recv(100) == bytes(11)


@pytest.mark.parametrize("data", [b"\0", struct.pack(">I", 4), struct.pack(">I", 4) + b"abc"])
def test_cut_off(ends: Ends, data: bytes) -> None:
    """A frame that ends before its end is an error, wherever it is cut."""
    ends[0].sendall(data)
    ends[0].close()
    with pytest.raises(FrameError, match="cut off"):
        receive_frame(ends[1])


def test_deadline_for_reading(ends: Ends) -> None:
    """A frame that does not become complete is given up at the deadline."""
    ends[0].sendall(b"\0")
    with pytest.raises(TimeoutError):
        receive_frame(ends[1], deadline_seconds=0.05)


def test_deadline_for_writing(ends: Ends) -> None:
    """A reader that does not read is given up at the deadline."""
    with pytest.raises(TimeoutError):
        send_frame(ends[0], bytes(FRAME_MAX_BYTES), deadline_seconds=0.05)
