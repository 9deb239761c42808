"""Lists of hostile names for a field: printable, and short enough together for one value. Never raises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sampler.extract.naming import printable
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS

NAMES_MAX_COUNT: Final = 1024


def listed(names: Iterable[bytes | str], ceiling: int = FIELD_VALUE_MAX_CHARACTERS) -> tuple[str, ...]:
    """The first names in their order, as many as have ``ceiling`` characters together; empty ones are left out."""
    kept: list[str] = []
    room = ceiling
    for name in names:
        text = printable(name)
        room -= len(text)
        if room < 0 or len(kept) == NAMES_MAX_COUNT:
            break
        if text:
            kept.append(text)
    return tuple(kept)
