"""Stretches that overlap become one, so that no byte is sent twice; what lies in it stays known by name. Pure.

A stretch is merged with every other that it shares a byte with; one that only touches it stays apart. What comes of
it has kind and name of its largest member, and covers the others. Derived bytes have stretches as well: ``zip:3`` and
a ``range`` of ``zip:3`` share bytes, and a ``range`` of the whole is a stretch of the whole.

What is a file by itself is cut out again: a program that a small archive holds unpacked lies within the archive's first
bytes, and is judged as a program all the same, while the bytes around it are the archive's.
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

    def __init__(self, place: Place, members: list[Region], *, is_cut: bool = False) -> None:
        self.place = place
        self.members = members
        self.is_cut = is_cut
        """Whether it is what was left around a file, or that file: then a member may reach beyond it."""

    @property
    def length(self) -> int:
        return self.place.end - self.place.start

    @property
    def leading(self) -> Region:
        """The member that has the most of it; of two a file."""
        return max(self.members, key=lambda member: (self.share(member), self.is_cut and member.content is not None))

    def share(self, member: Region) -> int:
        """How many of its bytes lie in a member."""
        place = place_of(member)
        return min(place.end, self.place.end) - max(place.start, self.place.start)

    def apart(self) -> list[_Group]:
        """The same bytes, cut along the files in it; itself where there are none, it is one, or they contradict."""
        leading, files = self.leading, _files(self.members)
        if files is None or (leading.content is not None and self.share(leading) == self.length):
            return [self]
        cuts, position = [], self.place.start
        for file in files:
            cuts += [(position, file.start), (file.start, file.end)]
            position = file.end
        pieces = [self._within(start, end) for start, end in (*cuts, (position, self.place.end)) if start < end]
        return pieces if len(pieces) > 1 else [self]

    def _within(self, start: int, end: int) -> _Group:
        group = _Group(Place(self.place.base, start, end), self.members, is_cut=True)
        group.members = [member for member in self.members if group.share(member) > 0]
        return group


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

    def result(self, max_count: int) -> Iterator[Piece]:
        """All pieces, those of one base in the order of their offsets.

        Args:
            max_count: beyond so many, files are not cut out any more and are judged with what lies around them.
        """
        room = max_count - self.count
        for base, groups in sorted(self._groups.items()):
            for group in groups:
                apart = group.apart()
                if len(apart) - 1 > room:
                    apart = [group]
                room -= len(apart) - 1
                yield from (self._piece(base, each) for each in apart)

    def _slice(self, place: Place) -> tuple[int, int]:
        """Which groups of its base share a byte with it: from the first up to the last."""
        groups = self._groups.get(place.base, [])
        first = bisect_left(groups, place.start + 1, key=lambda group: group.place.end)
        return first, bisect_left(groups, place.end, key=lambda group: group.place.start)

    def _met(self, place: Place) -> list[_Group]:
        first, last = self._slice(place)
        return self._groups.get(place.base, [])[first:last]

    def _piece(self, base: Recipe, group: _Group) -> Piece:
        leading = group.leading
        has_all = group.share(leading) == group.length
        inside = [member for member in group.members if not (has_all and member is leading)]
        offset, length, recipe = self._cut(base, group)
        region = Region(leading.kind, leading.name, offset, length, recipe, _content(leading, group))
        covers = (_covered(member, group) for member in inside)
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
    if group.is_cut and leading.content is None:
        return ContentKind.OTHER if group.place.base else None
    told = {member.content for member in group.members}
    if group.share(leading) == group.length or len(told) == 1:
        return leading.content
    return ContentKind.OTHER if group.place.base else None


def _covered(region: Region, group: _Group) -> Covered:
    """A region as far as it lies in a piece."""
    start = max(place_of(region).start - group.place.start, 0)
    return Covered(region.kind, region.name, start, group.share(region))


def _files(members: list[Region]) -> list[Place] | None:
    """The places of files that lie in no other file; ``None`` where two share bytes and neither holds the other."""
    outer: list[Place] = []
    files = (place_of(member) for member in members if member.content is not None)
    for file in sorted(files, key=lambda place: (place.start, -place.end)):
        end = outer[-1].end if outer else 0
        if file.start >= end:
            outer.append(file)
        elif file.end > end:
            return None
    return outer
