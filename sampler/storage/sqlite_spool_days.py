"""The days of a host in the spool's SQLite file, beside the objects that were counted on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final, TypeVar

import msgspec

from sampler.errors import SpoolFull
from sampler.limits import STATISTICS_KEPT_DAYS
from sampler.model import ObjectRecord, ObjectState
from sampler.model.statistics import CountedDay, end_of
from sampler.storage.sqlite import our_errors, transaction

T = TypeVar("T")

DAYS_SCHEMA_STEP: Final = """
    ALTER TABLE objects ADD COLUMN counted INTEGER;
    UPDATE objects SET counted = 0;
    CREATE INDEX objects_not_counted ON objects (number) WHERE counted IS NULL;
    CREATE INDEX objects_by_day ON objects (counted, number) WHERE counted > 0;
    CREATE TABLE days (day INTEGER PRIMARY KEY, summed BLOB NOT NULL) STRICT;
"""
"""``counted`` is a day's ordinal; 0 for objects from before days were counted."""
_ENDED: Final = ", ".join(f"'{state}'" for state in ObjectState if state.is_final)
_NOT_COUNTED: Final = f"SELECT number, record FROM objects WHERE counted IS NULL AND state IN ({_ENDED})"  # noqa: S608  # our own words
_COUNTED_ON: Final = "SELECT number, record FROM objects WHERE counted > 0 AND counted = ? ORDER BY number"

_record_decoder = msgspec.json.Decoder(ObjectRecord)
_day_decoder = msgspec.json.Decoder(CountedDay)


class SqliteDays:
    """``spool.DaysLedger`` over the connection of a spool's ledger."""

    _database: sqlite3.Connection

    def close_day(self, day: date, sum_up: Callable[[Iterable[ObjectRecord]], CountedDay]) -> bool:
        """One transaction; the objects are read while they are summed."""
        with transaction(self._database, full=SpoolFull):
            if self.day(day) is not None:
                return False
            numbers: list[int] = []
            summed = sum_up(self._take(day, numbers))
            marks = ((day.toordinal(), number) for number in numbers)
            self._database.executemany("UPDATE objects SET counted = ? WHERE number = ?", marks)
            self._database.execute("INSERT INTO days VALUES (?, ?)", (day.toordinal(), msgspec.json.encode(summed)))
            self._database.execute("DELETE FROM days WHERE day < ?", (day.toordinal() - STATISTICS_KEPT_DAYS,))
        return True

    def day(self, day: date) -> CountedDay | None:
        """By its ordinal."""
        with our_errors():
            row = self._database.execute("SELECT summed FROM days WHERE day = ?", (day.toordinal(),)).fetchone()
        return None if row is None else _day_decoder.decode(row["summed"])

    def days(self, limit: int) -> tuple[CountedDay, ...]:
        """In the order of their ordinals."""
        with our_errors():
            rows = self._database.execute("SELECT summed FROM days ORDER BY day DESC LIMIT ?", (limit,)).fetchall()
        return tuple(_day_decoder.decode(row["summed"]) for row in rows)

    def put_day(self, day: CountedDay) -> None:
        """One row."""
        values = (msgspec.json.encode(day), day.tally.day.toordinal())
        with transaction(self._database, full=SpoolFull):
            self._database.execute("UPDATE days SET summed = ? WHERE day = ?", values)

    def over_counted(self, day: date | None, look: Callable[[Iterable[ObjectRecord]], T]) -> T:
        """Records are read one at a time."""
        query, values = (_NOT_COUNTED, ()) if day is None else (_COUNTED_ON, (day.toordinal(),))
        with our_errors():
            rows = self._database.execute(query, values)
            return look(_record_decoder.decode(row["record"]) for row in rows)

    def _take(self, day: date, numbers: list[int]) -> Iterator[ObjectRecord]:
        """What is to be counted; notes the numbers of the rows."""
        for row in self._database.execute(_NOT_COUNTED):
            record = _record_decoder.decode(row["record"])
            if record.created < end_of(day):
                numbers.append(row["number"])
                yield record
