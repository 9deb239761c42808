"""Shannon entropy of the sections of a program: bits a byte, 0 to 8, to two digits. Never raises.

Of a long section only some bytes are counted, spread evenly over it, and of a file with many sections only the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from sampler.extract.naming import printable
from sampler.limits import KIB, MIB
from sampler.runtime.byte_entropy import entropy_of

SECTIONS_MAX_COUNT: Final = 64
COUNTED_MAX_BYTES: Final = 64 * KIB
"""Of one section."""
TOTAL_MAX_BYTES: Final = MIB
_RUN_BYTES: Final = 256
_NAME_MAX_CHARACTERS: Final = 64
_BITS: Final = 8.0


class Stretch(Protocol):
    """What has a name and a place in the file."""

    @property
    def name(self) -> str:
        """As it is shown."""

    @property
    def offset(self) -> int:
        """In bytes."""

    @property
    def length(self) -> int:
        """In bytes."""


class View(Protocol):
    """Bytes that are read by slices."""

    def __len__(self) -> int: ...

    def __getitem__(self, wanted: slice, /) -> bytes: ...


def section_entropies(view: View, sections: Iterable[Stretch]) -> tuple[str, ...]:
    """``.text 6.31`` for each section with bytes, as far as the ceilings go."""
    return tuple(_entropies(view, sections))


def _entropies(view: View, sections: Iterable[Stretch]) -> Iterator[str]:
    counted = 0
    measured = [section for section in sections if section.length > 0 and section.offset < len(view)]
    for section in measured[:SECTIONS_MAX_COUNT]:
        data = _sampled(view, section.offset, min(section.length, len(view) - section.offset))
        counted += len(data)
        if counted > TOTAL_MAX_BYTES:
            return
        is_whole = len(data) == min(section.length, len(view) - section.offset)
        yield f"{printable(section.name, _NAME_MAX_CHARACTERS)} {_entropy(data, is_whole=is_whole):.2f}"


def _sampled(view: View, offset: int, length: int) -> bytes:
    """All bytes, or short runs of them from everywhere: runs keep no pace with the rows of tables."""
    if length <= COUNTED_MAX_BYTES:
        return view[offset : offset + length]
    runs = COUNTED_MAX_BYTES // _RUN_BYTES
    starts = (offset + index * (length - _RUN_BYTES) // (runs - 1) for index in range(runs))
    return b"".join(view[start : start + _RUN_BYTES] for start in starts)


def _entropy(data: bytes, *, is_whole: bool) -> float:
    # What a sample says is too low by this much (Miller, Note on the bias of information estimates, 1955).
    missed = 0.0 if is_whole else (len(set(data)) - 1) / (2 * len(data) * math.log(2))
    return min(entropy_of(data) + missed, _BITS)
