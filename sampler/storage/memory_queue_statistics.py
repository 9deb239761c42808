"""Sums of statistics in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sampler.errors import Conflict
from sampler.model.statistics import Table
from sampler.queue import Cell, OpenDay
from sampler.wire.statistics_messages import StatisticsDay


@dataclass(frozen=True, slots=True)
class StatisticsTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    opened: dict[date, OpenDay] = field(default_factory=dict)
    seen: set[tuple[date, bytes]] = field(default_factory=set)
    cells: dict[tuple[date, Table, str], Cell] = field(default_factory=dict)
    closed: dict[date, StatisticsDay] = field(default_factory=dict)

    def __copy__(self) -> StatisticsTables:
        return StatisticsTables({**self.opened}, {*self.seen}, {**self.cells}, {**self.closed})


class MemoryStatistics(ABC):
    """The part of ``queue.Ledger`` that sums hosts' days."""

    @property
    @abstractmethod
    def _sums(self) -> StatisticsTables:
        """The tables as they are now."""

    def add_statistics_day(self, opened: OpenDay) -> None:
        """Record a day that takes reports."""
        if opened.day in self._sums.opened:
            raise Conflict(f"day {opened.day} exists already")
        self._sums.opened[opened.day] = opened

    def open_statistics_day(self, day: date) -> OpenDay | None:
        """A day that takes reports."""
        return self._sums.opened.get(day)

    def open_statistics_days(self) -> tuple[OpenDay, ...]:
        """All of them, the oldest first."""
        return tuple(sorted(self._sums.opened.values(), key=lambda opened: opened.day))

    def statistics_seen(self, day: date, digest: bytes) -> bool:
        """Whether this digest was noted."""
        return (day, digest) in self._sums.seen

    def add_statistics_seen(self, day: date, digests: Sequence[bytes]) -> None:
        """Note digests."""
        self._sums.seen.update((day, digest) for digest in digests)

    def statistics_cell(self, day: date, table: Table, label: str) -> Cell | None:
        """One cell of an open day."""
        return self._sums.cells.get((day, table, label))

    def statistics_cell_count(self, day: date) -> int:
        """How many cells an open day has."""
        return len(self.statistics_cells(day))

    def statistics_cells(self, day: date) -> tuple[Cell, ...]:
        """All cells of an open day."""
        return tuple(cell for key, cell in sorted(self._sums.cells.items()) if key[0] == day)

    def put_statistics_cell(self, day: date, cell: Cell) -> None:
        """Make or replace one."""
        self._sums.cells[day, cell.table, cell.label] = cell

    def close_statistics_day(self, closed: StatisticsDay) -> None:
        """Keep what is shown, and nothing else of the day."""
        sums = self._sums
        if closed.day in sums.closed:
            raise Conflict(f"the closing of {closed.day} exists already")
        sums.closed[closed.day] = closed
        sums.opened.pop(closed.day, None)
        sums.seen.difference_update({each for each in sums.seen if each[0] == closed.day})
        for key in [key for key in sums.cells if key[0] == closed.day]:
            del sums.cells[key]

    def statistics(self, since: date, until: date, limit: int) -> tuple[StatisticsDay, ...]:
        """Closed days."""
        return tuple(self._sums.closed[day] for day in sorted(self._sums.closed) if since <= day <= until)[:limit]
