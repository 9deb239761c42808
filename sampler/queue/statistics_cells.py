"""Numbers about several hosts: how a host's counters go in, and what of them is shown when a day closes. Pure.

What is shown of a day is decided once, at its closing, and never again, so that no two answers can be subtracted:

1. A cell is shown only if at least as many hosts are in it as the largest threshold under which they sent, and no host
   makes up more than half of it.
2. Where some cells of a partition are kept back, as many of the others are kept back as well, the smallest first, as it
   takes to make those that are kept back together keep rule 1: the total less what is shown then says nothing about
   fewer hosts, and nothing about one.
3. What is shown is rounded at random to one of the two next multiples of the threshold, right on average, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from itertools import groupby
from operator import attrgetter

from sampler.limits import STATISTICS_VALUE_MAX
from sampler.model.statistics import Table
from sampler.wire.sketches import Sketch, decode_sketch
from sampler.wire.statistics_messages import StatisticsCell


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A day that takes reports."""

    day: date
    key: bytes
    """What hosts hash distinct objects with; destroyed when the day closes."""
    salt: bytes
    """What makes digests of who reported; destroyed with them when the day closes."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of an open day. It knows how many hosts are in it, and of none which."""

    table: Table
    label: str
    hosts: int
    total: int
    """Of a sketch, the estimate."""
    largest: int
    """The most that one host brought."""
    threshold: int
    """The largest one under which any of them sent."""
    registers: bytes = b""
    """Of a sketch."""

    @property
    def is_safe(self) -> bool:
        """Whether it could be shown by itself (rule 1). Hosts that have the same objects do not outweigh each other."""
        outweighs = not self.table.is_distinct and 2 * self.largest > self.total
        return self.hosts >= self.threshold and not outweighs


def estimated(sketch: Sketch) -> int:
    """A sketch's estimate as a number that a ledger can keep, whatever a host made of its registers."""
    return round(min(sketch.estimate(), STATISTICS_VALUE_MAX))


def merged(cell: Cell | None, host: Cell) -> Cell:
    """A cell with one more host in it."""
    if cell is None:
        return host
    registers, total = b"", cell.total + host.total
    if host.registers:
        sketch = decode_sketch(cell.registers)
        sketch.merge(decode_sketch(host.registers))
        registers, total = sketch.encode(), estimated(sketch)
    return replace(
        cell,
        hosts=cell.hosts + host.hosts,
        total=total,
        largest=max(cell.largest, host.largest),
        threshold=max(cell.threshold, host.threshold),
        registers=registers,
    )


def shown(cells: Iterable[Cell], chance: Callable[[], float]) -> tuple[StatisticsCell, ...]:
    """What is shown of a day, in the order of tables and labels; ``chance`` is uniform in [0, 1)."""
    order = list(Table)
    sorted_cells = sorted(cells, key=lambda cell: (order.index(cell.table), cell.label))
    kept: list[StatisticsCell] = []
    for table, group in groupby(sorted_cells, key=attrgetter("table")):
        kept += (_rounded(cell, chance()) for cell in _showable(table, tuple(group)))
    return tuple(kept)


def _showable(table: Table, cells: Sequence[Cell]) -> Iterator[Cell]:
    safe = sorted((cell for cell in cells if cell.is_safe), key=lambda cell: (cell.hosts, cell.total, cell.label))
    unsafe = [cell for cell in cells if not cell.is_safe]
    taken = _taken_along(unsafe, safe) if unsafe and table.is_partition else 0
    shown_labels = {cell.label for cell in safe[taken:]}
    yield from (cell for cell in cells if cell.label in shown_labels)


def _taken_along(unsafe: Sequence[Cell], safe: Sequence[Cell]) -> int:
    """How many of the others, from the smallest on, are kept back with those that are not safe; perhaps all."""
    together = reduce(_joined, unsafe)
    for number, cell in enumerate(safe):
        if together.is_safe:
            return number
        together = _joined(together, cell)
    return len(safe)


def _joined(one: Cell, other: Cell) -> Cell:
    """Two cells as one, at the worst: the same few hosts in both, one of which brought the most to each."""
    return replace(
        one,
        hosts=max(one.hosts, other.hosts),
        total=one.total + other.total,
        largest=one.largest + other.largest,
        threshold=max(one.threshold, other.threshold),
    )


def _rounded(cell: Cell, chance: float) -> StatisticsCell:
    steps, rest = divmod(cell.total, cell.threshold)
    value = (steps + (chance * cell.threshold < rest)) * cell.threshold
    return StatisticsCell(table=cell.table, label=cell.label, value=value, threshold=cell.threshold)
