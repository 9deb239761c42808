from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import DeliveryError
from sampler.limits import ANSWER_MAX_BYTES
from sampler.wire.messages import WorkEvent
from sampler.worker.events import messages

EVENTS = b': nothing new\n\nevent: work\ndata: {"waiting":["static"]}\n\nevent: work\ndata: {}\n\n'
STREAM = EVENTS + b': nothing new\n\nevent: work\ndata: {"wai'


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _read(*chunks: bytes) -> list[WorkEvent]:
    return [event async for event in messages(_chunks(*chunks), WorkEvent)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
async def test_events_come_out_however_they_are_cut(cuts: list[int]) -> None:
    """Comments are passed over, and what the end cut off is no event."""
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[begin:end] for begin, end in itertools.pairwise(edges)]
    assert await _read(*chunks) == [WorkEvent(waiting=["static"]), WorkEvent()]


@pytest.mark.parametrize("data", [b"data: nonsense\n\n", b'data: {"state": 1}\n\n', b'data: {\ndata: "x": 1}\n\n'])
async def test_an_event_of_another_interface_ends_the_stream(data: bytes) -> None:
    """It is an answer that is none, as it would be anywhere else."""
    with pytest.raises(DeliveryError, match="none of this interface"):
        await _read(data)


async def test_an_event_without_end_is_given_up() -> None:
    """A queue cannot make a worker keep more than one answer may have."""
    chunk = b"data: " + b"x" * (1 << 20)
    with pytest.raises(DeliveryError, match="more than"):
        await _read(*[chunk] * (ANSWER_MAX_BYTES // len(chunk) + 2))
