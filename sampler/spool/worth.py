"""What an object that waits is worth, so that a full spool keeps what tells most. Pure.

Points are added up, one for each doubling: severity gives up to 16; rarity up to 8, one less whenever the objects that
this host has seen of the same group double; size takes one for each doubling above some pages; the group's share of the
spool takes up to 16. So a critical find of 4 KiB outweighs a harmless one of the same size whatever else there is, a
group that floods the spool makes room for itself, and the first find of a rule beats its hundredth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sampler.limits import KIB

SEVERITY_MAX: Final = 100
_SEVERITY_POINTS: Final = 16.0
_RARITY_POINTS: Final = 8.0
_SHARE_POINTS: Final = 16.0
_SMALL_BYTES: Final = 4 * KIB


@dataclass(frozen=True, slots=True)
class Worth:
    """What is known of an object's worth when it is spooled."""

    group: str = ""
    """Whose share of the spool it takes: its gravest rule, or the user who flagged what no rule knows."""
    severity: int = 0
    """0 to 100."""

    def __post_init__(self) -> None:
        if not 0 <= self.severity <= SEVERITY_MAX:
            raise ValueError(f"a severity is 0 to {SEVERITY_MAX}, not {self.severity}")


@dataclass(frozen=True, slots=True)
class Scale:
    """What objects are weighed against."""

    max_bytes: int
    """Of the spool."""
    waiting_bytes: Mapping[str, int]
    """By group, of everything that waits."""
    seen: Mapping[str, int]
    """By group, how many objects this host has ever spooled."""

    def points(self, worth: Worth, size_bytes: int, group_bytes: int) -> float:
        """What an object is worth while its group takes ``group_bytes`` of the spool."""
        rarity = max(_RARITY_POINTS - math.log2(1 + self.seen.get(worth.group, 0)), 0.0)
        return own_points(worth, size_bytes) + rarity - _SHARE_POINTS * group_bytes / self.max_bytes


def own_points(worth: Worth, size_bytes: int) -> float:
    """What severity and size alone say."""
    return _SEVERITY_POINTS * worth.severity / SEVERITY_MAX - math.log2(1 + size_bytes / _SMALL_BYTES)
