"""Frames put together from pieces."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.sandbox.assembling import Assembler
from sampler.sandbox.framing import FrameError


def framed(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def feed(assembler: Assembler, data: bytes) -> list[bytes]:
    """Give it as much as it has space for, again and again, and take what becomes whole."""
    frames = []
    while data:
        space = assembler.space()
        assert space, "it says that no frame is whole and has no space for more"
        count = min(len(space), len(data))
        space[:count] = data[:count]
        data = data[count:]
        assembler.advance(count)
        while (frame := assembler.take()) is not None:
            frames.append(frame)
    return frames


@given(
    payloads=st.lists(st.binary(max_size=40) | st.just(bytes(70_000)), max_size=5),
    cuts=st.lists(st.integers(0, 400_000), max_size=8),
)
def test_any_pieces(payloads: list[bytes], cuts: list[int]) -> None:
    """However a stream of frames is cut into pieces, the same payloads come out in order."""
    stream = b"".join(framed(payload) for payload in payloads)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    assembler = Assembler()
    pieces = (stream[start:end] for start, end in pairwise(places))
    assert [frame for piece in pieces for frame in feed(assembler, piece)] == payloads
    assert assembler.progress == (0, 4)


def test_a_frame_above_the_ceiling() -> None:
    """A header that announces too much is refused before anything is made for it."""
    assembler = Assembler()
    assembler.space()[:4] = struct.pack(">I", 1 << 31)
    assembler.advance(4)
    usual = len(assembler.space())
    with pytest.raises(FrameError, match="a frame of 2147483648 bytes, at most 100"):
        assembler.take(100)
    assert len(assembler.space()) == usual


@pytest.mark.parametrize(
    ("data", "progress"), [(b"\0\0", (2, 4)), (framed(b"") + b"\0", (1, 4)), (b"\0\0\0\x09half", (4, 9))]
)
def test_progress(data: bytes, progress: tuple[int, int]) -> None:
    """How far the next frame is can be told at any time."""
    assembler = Assembler()
    feed(assembler, data)
    assert assembler.progress == progress
