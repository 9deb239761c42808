"""The checksum of a PE's optional header: what ``CheckSumMappedFile`` of ImageHlp computes.

The sum of all 16-bit words, carries added back, without the field itself, plus the length. Such a sum is the number
that the bytes are, modulo 65,535, which Python reckons in C.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.bounded import SLICE_MAX_BYTES, BoundedView
from sampler.limits import MIB

CHECKED_MAX_BYTES: Final = 32 * MIB
_MODULUS: Final = 0xFFFF
_FIELD_BYTES: Final = 4


def checksum_of(view: BoundedView, field: int) -> int | None:
    """The checksum of a file whose optional header has it at offset ``field``; ``None`` for too large a file."""
    if len(view) > CHECKED_MAX_BYTES:
        return None
    total = sum(
        int.from_bytes(view[start : start + SLICE_MAX_BYTES], "little") % _MODULUS
        for start in range(0, len(view), SLICE_MAX_BYTES)
    )
    own = int.from_bytes(view[field : field + _FIELD_BYTES], "little") << 8 * (field % 2)
    folded = (total - own) % _MODULUS
    # A sum of words that are not all zero never folds to 0; a PE always has some.
    return (folded or _MODULUS) + len(view)
