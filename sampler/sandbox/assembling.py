"""Frames put together from whatever pieces they come in. Pure: it has the buffer, others read into it.

The buffer is used again and again and holds most frames whole, header and payload, after one read. A longer one gets a
buffer of its own, but only once its length was seen to be below the ceiling.
"""

from __future__ import annotations

from typing import Final

from sampler.limits import FRAME_MAX_BYTES, KIB
from sampler.sandbox.framing import HEADER, check_length

_BUFFER_BYTES: Final = 64 * KIB


class Assembler:
    """What one side of one socket has received and not yet taken."""

    def __init__(self) -> None:
        self._usual = self._room = memoryview(bytearray(_BUFFER_BYTES))
        self._filled = 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty when ``take`` has just said that there is no whole frame."""
        return self._room[self._filled :]

    def advance(self, count: int) -> None:
        """``count`` bytes were written to the start of ``space``."""
        self._filled += count

    def take(self, ceiling: int = FRAME_MAX_BYTES) -> bytes | None:
        """The payload of the first frame that is whole, or ``None``.

        Raises:
            FrameError: its header announces more than ``ceiling`` bytes; nothing was allocated for it.
        """
        if self._filled < HEADER.size:
            return None
        (length,) = HEADER.unpack_from(self._room)
        check_length(length, ceiling)
        end = HEADER.size + length
        if self._filled < end:
            self._make_room(end)
            return None
        payload = bytes(self._room[HEADER.size : end])
        self._drop(end)
        return payload

    @property
    def progress(self) -> tuple[int, int]:
        """How many bytes of how many are there: of the header, or, once that is whole, of the payload."""
        if self._filled < HEADER.size:
            return self._filled, HEADER.size
        return self._filled - HEADER.size, HEADER.unpack_from(self._room)[0]

    def _make_room(self, size: int) -> None:
        if size > len(self._room):
            larger = memoryview(bytearray(size))
            larger[: self._filled] = self._room[: self._filled]
            self._room = larger

    def _drop(self, count: int) -> None:
        """Forget the first ``count`` bytes; a buffer that was made for one frame holds nothing else."""
        left = bytes(self._room[count : self._filled])
        self._room = self._usual
        self._room[: len(left)] = left
        self._filled = len(left)
