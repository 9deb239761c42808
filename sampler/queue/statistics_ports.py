"""What the queue needs of a store of statistics; ``ports.Ledger`` is one. The rules of ``ports`` hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from sampler.model.statistics import Table
from sampler.queue.statistics_cells import Cell, OpenDay
from sampler.wire.statistics_messages import StatisticsDay


class StatisticsLedger(Protocol):
    """Sums of open days, and what is shown of closed ones."""

    def add_statistics_day(self, opened: OpenDay) -> None:
        """Record a day that takes reports; ``Conflict`` when it is there."""

    def open_statistics_day(self, day: date) -> OpenDay | None:
        """A day that takes reports."""

    def open_statistics_days(self) -> tuple[OpenDay, ...]:
        """All of them, the oldest first."""

    def statistics_seen(self, day: date, digest: bytes) -> bool:
        """Whether this digest was noted for an open day."""

    def add_statistics_seen(self, day: date, digests: Sequence[bytes]) -> None:
        """Note digests for an open day."""

    def statistics_cell(self, day: date, table: Table, label: str) -> Cell | None:
        """One cell of an open day."""

    def statistics_cell_count(self, day: date) -> int:
        """How many cells an open day has."""

    def statistics_cells(self, day: date) -> tuple[Cell, ...]:
        """All cells of an open day."""

    def put_statistics_cell(self, day: date, cell: Cell) -> None:
        """Make or replace a cell of an open day."""

    def close_statistics_day(self, closed: StatisticsDay) -> None:
        """Keep what is shown of a day, and forget everything else of it; ``Conflict`` when it is closed."""

    def statistics(self, since: date, until: date, limit: int) -> tuple[StatisticsDay, ...]:
        """Closed days from one to another, both included, the oldest first."""
