"""The table of a fat binary: one program for several processors in one file (Apple, ``mach-o/fat.h``). Never raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.macho_tables import unpack
from sampler.extract.macho_words import processor

SLICES_MAX_COUNT: Final = 32
"""A Java class has the same first bytes and its version number, 45 and more, where a fat binary has its count."""
_MAGICS: Final = {
    b"\xca\xfe\xba\xbe": (32, ">"), b"\xbe\xba\xfe\xca": (32, "<"),
    b"\xca\xfe\xba\xbf": (64, ">"), b"\xbf\xba\xfe\xca": (64, "<"),
}  # fmt: skip
_ROWS: Final = {32: (20, "5I"), 64: (32, "IIQQII")}


@dataclass(frozen=True, slots=True)
class FatSlice:
    """One program of a fat binary; offset and length in bytes of the file."""

    name: str
    """``arm64``."""
    offset: int
    length: int


def is_fat(head: bytes) -> bool:
    """Whether these first bytes are those of a fat binary, and of no Java class."""
    return 0 < _count(head) <= SLICES_MAX_COUNT


def read_slices(view: BoundedView) -> tuple[FatSlice, ...]:
    """The rows of the table that lie in the file and name bytes; whether the bytes are there is not looked at."""
    head = view[0 : 8 + SLICES_MAX_COUNT * 32]
    if not is_fat(head):
        return ()
    bits, order = _MAGICS[head[:4]]
    size, layout = _ROWS[bits]
    rows = (unpack(head, 8 + size * index, order + layout) for index in range(_count(head)))
    return tuple(FatSlice(processor(row[0], row[1]), row[2], row[3]) for row in rows if row and row[3])


def _count(head: bytes) -> int:
    known = _MAGICS.get(head[:4])
    count = unpack(head, 4, known[1] + "I") if known else ()
    return count[0] if count else 0
