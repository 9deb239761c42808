"""Which objects make room for another one. Pure; ``Room`` looks up what is passed in and does what comes out."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sampler.spool.worth import Scale, Worth, own_points


@dataclass(frozen=True, slots=True)
class NeededContent:
    """A content that waits."""

    sha256: str
    size: int
    needed_by: int
    """Objects that wait with it, this one among them."""


@dataclass(frozen=True, slots=True)
class Resident:
    """An object that waits, and is not at the queue as far as this host can know."""

    event_id: str
    number: int
    """Its place in the order of delivery."""
    worth: Worth
    manifest_bytes: int
    contents: tuple[NeededContent, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Of everything that it needs, shared or not."""
        return self.manifest_bytes + sum(content.size for content in self.contents)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is to get in."""

    worth: Worth
    size_bytes: int


def choose(
    residents: Iterable[Resident], newcomer: Newcomer, shortage_bytes: int, scale: Scale, pinned: Container[str]
) -> tuple[Resident, ...]:
    """Those of least worth whose end frees ``shortage_bytes``; empty where they would have to be worth as much.

    Each is worth less than the newcomer, none could be spared, and of two of the same worth the one goes that is
    further from its delivery.

    Args:
        residents: who could go, in any order.
        newcomer: for whom.
        shortage_bytes: how much has to become free.
        scale: what they are weighed against.
        pinned: SHA-256 of contents whose files stay whoever goes.
    """
    waiting = Counter(scale.waiting_bytes)
    waiting[newcomer.worth.group] += newcomer.size_bytes  # everybody is weighed as if it were in already
    chosen: list[Resident] = []
    freed = _Freed(pinned)
    for points, resident in _cheapest_first(residents, scale, waiting):
        limit = scale.points(newcomer.worth, newcomer.size_bytes, waiting[newcomer.worth.group])
        if freed.bytes >= shortage_bytes or points >= limit:
            break
        freed.take(resident)
        chosen.append(resident)
    if freed.bytes < shortage_bytes:
        return ()
    return tuple(_without_needless(chosen, freed, shortage_bytes))


def _cheapest_first(
    residents: Iterable[Resident], scale: Scale, waiting: Counter[str]
) -> Iterable[tuple[float, Resident]]:
    """Each with its points at the time when all before it are gone, which changes its own group's share only.

    ``waiting`` has the bytes of each group, and is kept as they go.
    """
    lines = _lines(residents)

    def head(group: str) -> tuple[float, int, str]:
        resident = lines[group][-1]
        return scale.points(resident.worth, resident.size_bytes, waiting[group]), -resident.number, group

    heads = [head(group) for group in lines]
    heapq.heapify(heads)
    while heads:
        points, _, group = heapq.heappop(heads)
        resident = lines[group].pop()
        yield points, resident
        waiting[group] -= resident.size_bytes
        if lines[group]:
            heapq.heappush(heads, head(group))


def _lines(residents: Iterable[Resident]) -> dict[str, list[Resident]]:
    """By group, the one of least worth last."""

    def in_group(resident: Resident) -> tuple[float, int]:
        return -own_points(resident.worth, resident.size_bytes), resident.number

    by_group = sorted(residents, key=lambda resident: resident.worth.group)
    return {group: sorted(members, key=in_group) for group, members in groupby(by_group, lambda each: each.worth.group)}


def _without_needless(chosen: Sequence[Resident], freed: _Freed, shortage_bytes: int) -> list[Resident]:
    """Without those that need not go after all, since a later one freed enough; the most worthy stay first."""
    going = []
    for resident in reversed(chosen):
        if freed.bytes - freed.by_last(resident) >= shortage_bytes:
            freed.put_back(resident)
        else:
            going.append(resident)
    return going[::-1]


class _Freed:
    """The bytes that the ends of some objects free, where contents are shared."""

    def __init__(self, pinned: Container[str]) -> None:
        self.bytes = 0
        self._pinned = pinned
        self._ends: Counter[str] = Counter()

    def take(self, resident: Resident) -> None:
        self._ends.update(content.sha256 for content in resident.contents)
        self.bytes += self.by_last(resident)

    def put_back(self, resident: Resident) -> None:
        self.bytes -= self.by_last(resident)
        self._ends.subtract(content.sha256 for content in resident.contents)

    def by_last(self, resident: Resident) -> int:
        """What is freed by the end of one that was taken, beyond what the others free without it."""
        free = (
            content.size
            for content in resident.contents
            if self._ends[content.sha256] == content.needed_by and content.sha256 not in self._pinned
        )
        return resident.manifest_bytes + sum(free)
