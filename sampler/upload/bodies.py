"""Bodies of requests: whole, or made while they travel, handed to a connection in pieces that suit its line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from sampler.limits import KIB, MIB

_PIECE_BYTES: Final = 64 * KIB
"""What is handed to a connection at once; more where it takes that in no time."""
_PIECE_MAX_BYTES: Final = 1 * MIB
NO_TIME_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Streamed:
    """A body that is made while it travels."""

    length: int
    pieces: Callable[[], AsyncIterator[bytes]]
    """Of any size; what it raises breaks the request off and comes through."""


class Cut:
    """A body in pieces of the size that suits its line."""

    def __init__(self, body: Streamed) -> None:
        self._body = body
        self._size = _PIECE_BYTES

    async def pieces(self) -> AsyncIterator[bytes]:
        """One after the other; how large the next one is may change in between."""
        async for data in self._body.pieces():
            start = 0
            while piece := data[start : start + self._size]:
                start += len(piece)
                yield piece

    def next_is(self, *, larger: bool) -> None:
        """Whether the line took the last one in no time; then the next one may be larger, else it is small."""
        self._size = min(2 * self._size, _PIECE_MAX_BYTES) if larger else _PIECE_BYTES


def whole(body: bytes) -> Streamed:
    """A body that is there already."""

    async def once() -> AsyncIterator[bytes]:
        yield body

    return Streamed(len(body), once)
