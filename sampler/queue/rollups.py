"""Statistics over submissions: numbers by day that name nobody, and stay when the submissions are destroyed. Pure.

A submission counts once, on the day that it came (UTC), in the cell of its verdict as it stands; when that changes it
moves. What can be told apart is bounded: names that hosts invent beyond a ceiling count together, and once nothing of
a day is kept any more, numbers too small to be about several hosts are added up under one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sampler.limits import ROLLUP_KEPT_MIN_COUNT, ROLLUP_LABEL_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.queue.retention_rules import Facts
from sampler.wire.rollup_messages import Dimension

ALL: Final = "all"
OTHER: Final = "other"
NONE: Final = "none"
_LABEL: Final = re.compile(rf"[\w.:/+-]{{1,{ROLLUP_LABEL_MAX_CHARACTERS}}}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Rollup:
    """What is counted together."""

    day: date
    tenant: str
    dimension: Dimension
    label: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many submissions, and how many bytes their contents have."""

    objects: int
    bytes: int

    def __add__(self, other: Count) -> Count:
        return Count(self.objects + other.objects, self.bytes + other.bytes)

    def __neg__(self) -> Count:
        return Count(-self.objects, -self.bytes)


def counted(facts: Facts) -> dict[Rollup, Count]:
    """Where a submission counts."""
    one = Count(1, facts.bytes)
    return {_rollup(facts, dimension, label): one for dimension, label in _labels(facts)}


def moved(facts: Facts, before: Conclusion | None) -> dict[Rollup, Count]:
    """What changes when a submission's verdict is another one than before."""
    one = Count(1, facts.bytes)
    if facts.conclusion is before:
        return {}
    return {
        _rollup(facts, Dimension.VERDICT, before or NONE): -one,
        _rollup(facts, Dimension.VERDICT, facts.conclusion or NONE): one,
    }


def folded(cells: Mapping[Rollup, Count]) -> dict[Rollup, Count]:
    """What to add to the cells of a day of which nothing is kept any more, so that small ones go into one."""
    changes: dict[Rollup, Count] = {}
    for cell, count in cells.items():
        if cell.label not in (ALL, OTHER, NONE) and 0 < count.objects < ROLLUP_KEPT_MIN_COUNT:
            other = Rollup(cell.day, cell.tenant, cell.dimension, OTHER)
            changes[cell] = -count
            changes[other] = changes.get(other, Count(0, 0)) + count
    return changes


def within(cells: Mapping[Rollup, Count], known: Iterable[Rollup], room: int) -> dict[Rollup, Count]:
    """The same counts, with cells that are new and for which there is no room counted under one name."""
    there = set(known)
    placed: dict[Rollup, Count] = {}
    for cell, count in cells.items():
        if cell not in there:
            room -= 1
        fits = cell in there or room >= 0
        at = cell if fits else Rollup(cell.day, cell.tenant, cell.dimension, OTHER)
        placed[at] = placed.get(at, Count(0, 0)) + count
    return placed


def _labels(facts: Facts) -> Iterator[tuple[Dimension, str]]:
    yield Dimension.ALL, ALL
    yield Dimension.TYPE, facts.mime_type or NONE
    yield Dimension.REASON, facts.reason or NONE
    yield Dimension.REGION, facts.region or NONE
    yield Dimension.VERDICT, facts.conclusion or NONE
    for rule in facts.rules or (NONE,):
        yield Dimension.RULE, rule


def _rollup(facts: Facts, dimension: Dimension, label: str) -> Rollup:
    """Whatever a host wrote, a label is a short word."""
    return Rollup(facts.day, facts.tenant, dimension, label if _LABEL.fullmatch(label) else OTHER)
