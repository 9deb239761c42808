"""Shannon entropy along an object: bits a byte, 0 to 8, block by block and in all. Pure; never raises.

Counting is the price: Python takes 25 nanoseconds a byte, so of all but small objects every fifth byte is counted, a
distance that no structure of two, three or four bytes keeps step with; of blocks above 4 KiB only their middle. What
so few bytes say of entropy is too low by a known amount, which is added (Miller, Note on the bias of information
estimates, 1955). No object costs more than some 20 milliseconds, whatever its size.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from sampler.limits import KIB

BLOCK_MIN_BYTES: Final = 4 * KIB
BLOCKS_MAX_COUNT: Final = 1024
"""Of one object; larger ones have blocks of twice the size, and again."""
EXACT_MAX_BYTES: Final = 16 * KIB
"""Objects up to here are counted byte by byte, and what is said of them is exact."""
_STEP: Final = 5
_LOGS: Final = tuple(count * math.log2(count) if count else 0.0 for count in range(EXACT_MAX_BYTES + 1))


class Bytes(Protocol):
    """An object's bytes, read by slices."""

    def __len__(self) -> int: ...

    def __getitem__(self, wanted: slice, /) -> bytes | bytearray | memoryview: ...


@dataclass(frozen=True, slots=True)
class EntropyProfile:
    """The entropy of an object's blocks, in their order."""

    block_bytes: int = BLOCK_MIN_BYTES
    """A power of two; the last block may be shorter."""
    blocks: tuple[float, ...] = ()
    whole: float = 0.0
    """Of all of its bytes, as far as they were counted."""


def entropy_profile(data: Bytes) -> EntropyProfile:
    """The profile of an object; that of no bytes has no blocks."""
    size, width = len(data), BLOCK_MIN_BYTES
    while size > width * BLOCKS_MAX_COUNT:
        width *= 2
    step = 1 if size <= EXACT_MAX_BYTES else _STEP
    counted = [bytes(_middle(data, start, width))[::step] for start in range(0, size, width)]
    blocks = tuple(_bits(block, exact=step == 1) for block in counted)
    together = b"".join(counted)
    thinned = together[:: len(together) // EXACT_MAX_BYTES + 1 | 1] if step > 1 else together
    return EntropyProfile(width, blocks, _bits(thinned, exact=step == 1))


def _middle(data: Bytes, start: int, width: int) -> bytes | bytearray | memoryview:
    start += (width - BLOCK_MIN_BYTES) // 2
    return data[start : start + BLOCK_MIN_BYTES]


def _bits(data: bytes, *, exact: bool) -> float:
    counts, total = Counter(data), len(data)
    if len(counts) <= 1:
        return 0.0
    bits = math.log2(total) - sum(map(_LOGS.__getitem__, counts.values())) / total
    missing = 0.0 if exact else (len(counts) - 1) / (2 * total * math.log(2))
    return min(8.0, max(0.0, bits + missing))
