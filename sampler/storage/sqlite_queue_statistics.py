"""Sums of statistics in SQLite. What is deleted when a day closes is overwritten with zeros in the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from sampler.model.statistics import Table
from sampler.queue import Cell, OpenDay
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows
from sampler.wire.statistics_messages import StatisticsCell, StatisticsDay

_decoder = msgspec.json.Decoder(tuple[StatisticsCell, ...])


class Statistics(Rows):
    """The part of ``queue.Ledger`` that sums hosts' days."""

    def add_statistics_day(self, opened: OpenDay) -> None:
        """Record a day that takes reports."""
        day = opened.day.toordinal()
        self._insert("statistics_open", of=f"day {opened.day}", day=day, key=opened.key, salt=opened.salt)

    def open_statistics_day(self, day: date) -> OpenDay | None:
        """A day that takes reports."""
        row = self._row("SELECT * FROM statistics_open WHERE day = ?", day.toordinal())
        return None if row is None else _opened(row)

    def open_statistics_days(self) -> tuple[OpenDay, ...]:
        """All of them, the oldest first."""
        return tuple(_opened(row) for row in self._rows("SELECT * FROM statistics_open ORDER BY day"))

    def statistics_seen(self, day: date, digest: bytes) -> bool:
        """Whether this digest was noted."""
        sql = "SELECT 1 FROM statistics_seen WHERE day = ? AND digest = ?"
        return self._row(sql, day.toordinal(), digest) is not None

    def add_statistics_seen(self, day: date, digests: Sequence[bytes]) -> None:
        """Note digests."""
        self._write_many("INSERT INTO statistics_seen VALUES (?, ?)", [(day.toordinal(), each) for each in digests])

    def statistics_cell(self, day: date, table: Table, label: str) -> Cell | None:
        """One cell of an open day."""
        sql = "SELECT * FROM statistics_cells WHERE day = ? AND name = ? AND label = ?"
        row = self._row(sql, day.toordinal(), table.value, label)
        return None if row is None else _cell(row)

    def statistics_cell_count(self, day: date) -> int:
        """How many cells an open day has."""
        return self._number("SELECT count(*) FROM statistics_cells WHERE day = ?", day.toordinal())

    def statistics_cells(self, day: date) -> tuple[Cell, ...]:
        """All cells of an open day."""
        rows = self._rows("SELECT * FROM statistics_cells WHERE day = ? ORDER BY name, label", day.toordinal())
        return tuple(_cell(row) for row in rows)

    def put_statistics_cell(self, day: date, cell: Cell) -> None:
        """Make or replace one."""
        sums = (cell.hosts, cell.total, cell.largest, cell.threshold, cell.registers)
        sql = """INSERT INTO statistics_cells (day, name, label, hosts, total, largest, threshold, registers)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (day, name, label) DO UPDATE SET hosts = excluded.hosts, total = excluded.total,
                 largest = excluded.largest, threshold = excluded.threshold, registers = excluded.registers"""
        self._write(sql, day.toordinal(), cell.table.value, cell.label, *sums)

    def close_statistics_day(self, closed: StatisticsDay) -> None:
        """Keep what is shown, and nothing else of the day."""
        day, cells = closed.day.toordinal(), msgspec.json.encode(closed.cells)
        self._write("DELETE FROM statistics_open WHERE day = ?", day)
        self._insert("statistics_closed", of=f"the closing of {closed.day}", day=day, cells=cells)

    def statistics(self, since: date, until: date, limit: int) -> tuple[StatisticsDay, ...]:
        """Closed days."""
        sql = "SELECT * FROM statistics_closed WHERE day BETWEEN ? AND ? ORDER BY day LIMIT ?"
        rows = self._rows(sql, since.toordinal(), until.toordinal(), limit)
        return tuple(
            StatisticsDay(day=date.fromordinal(row["day"]), cells=_decoder.decode(row["cells"])) for row in rows
        )


def _opened(row: Row) -> OpenDay:
    return OpenDay(date.fromordinal(row["day"]), row["key"], row["salt"])


def _cell(row: Row) -> Cell:
    sums = (row["hosts"], row["total"], row["largest"], row["threshold"], row["registers"])
    return Cell(Table(row["name"]), row["label"], *sums)
