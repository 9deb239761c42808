"""Statistics over submissions in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sampler.queue import Count, Rollup
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, marks
from sampler.wire.rollup_messages import Dimension


class Rollups(Rows):
    """The part of ``queue.Ledger`` that counts submissions."""

    def add_rollup(self, changes: Mapping[Rollup, Count]) -> None:
        """Add to cells; one that comes to nothing is not there."""
        sql = """INSERT INTO rollups (day, tenant, dimension, label, objects, total_bytes) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (day, tenant, dimension, label) DO UPDATE SET
                 objects = rollups.objects + excluded.objects,
                 total_bytes = rollups.total_bytes + excluded.total_bytes"""
        self._write_many(sql, [(*_key(cell), changes[cell].objects, changes[cell].bytes) for cell in sorted(changes)])
        fewer = [_key(cell) for cell, count in changes.items() if count.objects < 0]
        sql = "DELETE FROM rollups WHERE day = ? AND tenant = ? AND dimension = ? AND label = ? AND objects <= 0"
        self._write_many(sql, fewer)

    def rollups_there(self, cells: Sequence[Rollup]) -> frozenset[Rollup]:
        """Which of these cells of one day and tenant are there."""
        if not cells:
            return frozenset()
        labels = sorted({cell.label for cell in cells})
        sql = f"SELECT * FROM rollups WHERE day = ? AND tenant = ? AND label IN {marks(labels)}"  # noqa: S608  # ours
        rows = self._rows(sql, cells[0].day.toordinal(), cells[0].tenant, *labels)
        return frozenset(_cells(rows)).intersection(cells)

    def rollup_count(self, day: date, tenant: str) -> int:
        """How many cells there are of one day and tenant."""
        return self._number("SELECT count(*) FROM rollups WHERE day = ? AND tenant = ?", day.toordinal(), tenant)

    def rollup_cells(self, day: date, tenant: str) -> dict[Rollup, Count]:
        """All cells of one day and tenant."""
        return _cells(self._rows("SELECT * FROM rollups WHERE day = ? AND tenant = ?", day.toordinal(), tenant))

    def rollups(
        self, since: date, until: date, *, tenant: str | None, dimension: Dimension | None, limit: int
    ) -> dict[Rollup, Count]:
        """Cells from one day to another."""
        wanted: dict[str, Any] = {"tenant": tenant, "dimension": dimension}
        named = {name: value for name, value in wanted.items() if value is not None}
        narrowed = "".join(f" AND {name} = ?" for name in named)
        sql = f"""SELECT * FROM rollups WHERE day BETWEEN ? AND ?{narrowed}
                  ORDER BY day, tenant, dimension, label LIMIT ?"""  # noqa: S608  # names are keywords of our code
        return _cells(self._rows(sql, since.toordinal(), until.toordinal(), *named.values(), limit))


def _key(cell: Rollup) -> tuple[int, str, str, str]:
    return cell.day.toordinal(), cell.tenant, cell.dimension.value, cell.label


def _cells(rows: Iterable[Row]) -> dict[Rollup, Count]:
    return {
        Rollup(date.fromordinal(row["day"]), row["tenant"], Dimension(row["dimension"]), row["label"]): Count(
            int(row["objects"]), int(row["total_bytes"])
        )
        for row in rows
    }
