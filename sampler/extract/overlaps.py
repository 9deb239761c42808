"""Stretches that overlap become one, so that no byte is sent twice; what lies in it stays known by name. Pure.

A stretch is merged with every other that it shares a byte with; one that only touches it stays apart. What comes of
it has kind and name of its largest member, and covers the others. Derived bytes have stretches as well: ``zip:3`` and
a ``range`` of ``zip:3`` share bytes, and a ``range`` of the whole is a stretch of the whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.model import ContentKind, Covered, Region

_RANGE: Final = re.compile(r"range:([0-9]{1,19})\+[0-9]{1,19}")

Recipe = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a region's bytes lie."""

    base: Recipe
    """How the bytes are made that it is a stretch of; empty for the whole."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One content that will be sent."""

    region: Region
    covers: tuple[Covered, ...] = ()
    """What else was asked for and lies inside of it; all of it where the region is several that overlap."""


class _Group:
    """Regions that overlap, and what they span together."""

    def __init__(self, place: Place, members: list[Region]) -> None:
        self.place = place
        self.members = members

    @property
    def length(self) -> int:
        return self.place.end - self.place.start


def place_of(region: Region) -> Place:
    """Where a region lies; ranges of ranges are added up."""
    base, start = region.recipe, region.offset
    while base and (cut := _RANGE.fullmatch(base[-1])):
        base, start = base[:-1], start + int(cut[1])
    return Place(base, start, start + region.length)


class Pieces:
    """Takes regions one by one and keeps them merged; adding ``n`` of them takes some n log n steps."""

    def __init__(self) -> None:
        self._groups: dict[Recipe, list[_Group]] = {}
        """By base; those of one base sorted, and no two of them overlap."""
        self._made: dict[Recipe, int] = {}
        """How long all that a base makes is, where it was asked for."""
        self._taken: set[Region] = set()
        self.count = 0
        self.total_bytes = 0

    @property
    def regions(self) -> int:
        """How many were taken."""
        return len(self._taken)

    def growth(self, region: Region) -> tuple[int, int]:
        """By how many contents and bytes the pieces would grow; contents may become fewer."""
        place = place_of(region)
        met = self._met(place)
        span = _span(place, met)
        return 1 - len(met), span.end - span.start - sum(group.length for group in met)

    def add(self, region: Region) -> None:
        """Take a region; one that is there already changes nothing."""
        if region in self._taken:
            return
        contents, length = self.growth(region)
        place = place_of(region)
        groups, (first, last) = self._groups.setdefault(place.base, []), self._slice(place)
        met = groups[first:last]
        groups[first:last] = [_Group(_span(place, met), _joined([group.members for group in met], region))]
        self._taken.add(region)
        self.count += contents
        self.total_bytes += length
        if place.base == region.recipe:
            self._made[place.base] = region.length

    def result(self) -> Iterator[Piece]:
        """All pieces, those of one base in the order of their offsets."""
        for base, groups in sorted(self._groups.items()):
            for group in groups:
                yield self._piece(base, group)

    def _slice(self, place: Place) -> tuple[int, int]:
        """Which groups of its base share a byte with it: from the first up to the last."""
        groups = self._groups.get(place.base, [])
        first = bisect_left(groups, place.start + 1, key=lambda group: group.place.end)
        return first, bisect_left(groups, place.end, key=lambda group: group.place.start)

    def _met(self, place: Place) -> list[_Group]:
        first, last = self._slice(place)
        return self._groups.get(place.base, [])[first:last]

    def _piece(self, base: Recipe, group: _Group) -> Piece:
        leading = max(group.members, key=lambda member: member.length)
        inside = [member for member in group.members if member is not leading or leading.length < group.length]
        offset, length, recipe = self._cut(base, group)
        region = Region(leading.kind, leading.name, offset, length, recipe, _content(leading, group))
        covers = (_covered(member, group.place.start) for member in inside)
        return Piece(region, tuple(sorted(covers, key=lambda inside: (inside.offset, -inside.length))))

    def _cut(self, base: Recipe, group: _Group) -> tuple[int, int, Recipe]:
        """Offset, length and recipe of a piece."""
        start, length = group.place.start, group.length
        if not base:
            return start, length, ()
        is_all = start == 0 and self._made.get(base) == length
        return 0, length, base if is_all else (*base, f"range:{start}+{length}")


def _span(place: Place, met: list[_Group]) -> Place:
    start = min([place.start, *(group.place.start for group in met)])
    return Place(place.base, start, max([place.end, *(group.place.end for group in met)]))


def _joined(lists: list[list[Region]], region: Region) -> list[Region]:
    """The longest list with the others, and the region, behind it."""
    lists = sorted(lists, key=len)
    longest = lists.pop() if lists else []
    for members in lists:
        longest += members
    longest.append(region)
    return longest


def _content(leading: Region, group: _Group) -> ContentKind | None:
    """What a piece is by itself: what holds all of it is, or what its members agree upon."""
    told = {member.content for member in group.members}
    if leading.length == group.length or len(told) == 1:
        return leading.content
    return ContentKind.OTHER if group.place.base else None


def _covered(region: Region, start: int) -> Covered:
    return Covered(region.kind, region.name, place_of(region).start - start, region.length)
