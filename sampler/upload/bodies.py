"""Bodies of requests: whole, or made while they travel, handed to a connection in pieces that suit its line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from sampler.limits import KIB, MIB

_PIECE_BYTES: Final = 64 * KIB
"""What is handed to a connection at once: little, so that a slow line is not taken for one that stands still."""
_LARGE_PIECE_BYTES: Final = 1 * MIB
"""The same on a line that was found to be fast."""
_FAST_BYTES_PER_SECOND: Final = 8 * MIB
_FOUND_FROM_BYTES: Final = 4 * MIB
"""Before these, what the buffers on this host took would look like a fast line."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A body that is made while it travels."""

    length: int
    pieces: Callable[[], AsyncIterator[bytes]]
    """Of any size; what it raises breaks the request off and comes through."""


class Cut:
    """A body in pieces of the size that suits its line."""

    def __init__(self, body: Streamed, now: float) -> None:
        """``now``, here and below, is in seconds of a clock that never goes back."""
        self._body = body
        self._size = _PIECE_BYTES
        self._began = now
        self._taken = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """One after the other; how large the next one is may change in between."""
        async for data in self._body.pieces():
            start = 0
            while piece := data[start : start + self._size]:
                start += len(piece)
                yield piece

    def taken(self, length: int, now: float) -> None:
        """The connection took so many bytes; how large the next piece is follows from how long all took."""
        self._taken += length
        fast = self._taken >= max(_FOUND_FROM_BYTES, (now - self._began) * _FAST_BYTES_PER_SECOND)
        self._size = _LARGE_PIECE_BYTES if fast else _PIECE_BYTES


def whole(body: bytes) -> Streamed:
    """A body that is there already."""

    async def once() -> AsyncIterator[bytes]:
        yield body

    return Streamed(len(body), once)
