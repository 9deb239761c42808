"""A read-only view of an object from which no reader can take more than a fixed number of bytes at once.

Parsers slice as far as hostile headers tell them to; through this view a slice costs at most ``SLICE_MAX_BYTES``,
however large the object is and whatever its headers claim.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.extraction import Data
from sampler.limits import MIB

SLICE_MAX_BYTES: Final = 1 * MIB


class BoundedView:
    """The part of the interface of ``bytes`` that parsers use: length, slices and ``find``.

    It holds the object itself and never a ``memoryview``, so that a mapping can be closed while a parser's garbage
    still refers to the view.
    """

    __slots__ = ("_data", "_size")

    def __init__(self, data: Data) -> None:
        self._data = data
        self._size = len(data)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, wanted: slice) -> bytes:
        start, stop, step = wanted.indices(self._size)
        if step != 1:
            raise ValueError("a view is read forwards, byte by byte")
        return bytes(self._data[start : min(stop, start + SLICE_MAX_BYTES)])

    def find(self, wanted: bytes, start: int, end: int) -> int:
        """Offset of the first occurrence in the first ``SLICE_MAX_BYTES`` of ``[start, end)``, or -1."""
        found = self[start:end].find(wanted)
        return found if found < 0 else max(start, 0) + found
