"""Windows into an object whose format nobody knows, where its entropy says that something begins or ends. Pure.

Header and tail are taken anyway, so that the first and the last block do not count. Up to three windows of 4 KiB: the
block of the highest entropy, that of the lowest which is not all alike, and the edge of the steepest change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sampler.extract.extraction import Survey
from sampler.limits import KIB
from sampler.model import PartKind
from sampler.runtime.byte_entropy import EntropyProfile

WINDOW_BYTES: Final = 4 * KIB
_FLAT_BITS: Final = 0.3
"""A block with less is as good as filled with one value."""
_STEEP_BITS: Final = 1.0
"""A smaller change between neighbours is none."""


def add_entropy_windows(survey: Survey, profile: EntropyProfile) -> None:
    """Add the windows of an object; one that is too short for a third block has none."""
    width, blocks = profile.block_bytes, profile.blocks
    inner = range(1, len(blocks) - 1)
    if not inner:
        return
    highest = max(inner, key=lambda index: blocks[index])
    _add(survey, "highest", highest * width + width // 2)
    lively = [index for index in inner if blocks[index] > _FLAT_BITS and index != highest]
    if lively:
        _add(survey, "lowest", min(lively, key=lambda index: blocks[index]) * width + width // 2)
    steepest = max(_changes(blocks))
    if steepest[0] >= _STEEP_BITS:
        _add(survey, "steepest", -steepest[1] * width)


def _changes(blocks: tuple[float, ...]) -> Iterator[tuple[float, int]]:
    """How much each block differs from the one before, and the negated index, so that the first of equals is largest.

    The last block, which may be shorter and so poorer, changes nothing.
    """
    yield from ((abs(blocks[index] - blocks[index - 1]), -index) for index in range(1, len(blocks) - 1))


def _add(survey: Survey, name: str, middle: int) -> None:
    survey.add_region(PartKind.WINDOW, name, middle - WINDOW_BYTES // 2, WINDOW_BYTES)
