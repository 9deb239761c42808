"""One suite over every ledger of the queue that sums statistics."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sampler.errors import Conflict
from sampler.model.statistics import ALL, Table
from sampler.queue import Cell, Ledger, OpenDay
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.statistics_messages import StatisticsCell, StatisticsDay

DAY = date(2026, 11, 24)
NEXT = DAY + timedelta(days=1)
KEY, SALT = b"a key of this day only, 32 bytes", b"a salt that tells who reported.."
ONE = Cell(Table.OBJECTS, ALL, 1, 7, 7, 5)
SKETCH = Cell(Table.DISTINCT_BY_RULE, "A_Rule", 2, 3, 2, 20, b"\0\1\1")


def opened_day(ledger: Ledger, day: date = DAY) -> None:
    ledger.add_statistics_day(OpenDay(day, KEY, SALT))
    ledger.add_statistics_seen(day, [b"digest one", b"digest two"])
    ledger.put_statistics_cell(day, ONE)
    ledger.put_statistics_cell(day, SKETCH)


def closed_day(day: date = DAY) -> StatisticsDay:
    return StatisticsDay(day=day, cells=(StatisticsCell(table=Table.OBJECTS, label=ALL, value=35, threshold=5),))


def test_an_open_day_comes_back_as_it_was(ledger: Ledger) -> None:
    """Every value of it is kept, and a day is opened once."""
    opened_day(ledger, NEXT)
    opened_day(ledger)
    assert ledger.open_statistics_day(DAY) == OpenDay(DAY, KEY, SALT)
    assert ledger.open_statistics_day(NEXT + timedelta(days=1)) is None
    assert [each.day for each in ledger.open_statistics_days()] == [DAY, NEXT]
    with pytest.raises(Conflict):
        ledger.add_statistics_day(OpenDay(DAY, SALT, KEY))


def test_cells_come_back_as_they_were(ledger: Ledger) -> None:
    """Every value of a cell is kept, by day, table and label, and the last one put stands."""
    opened_day(ledger)
    assert ledger.statistics_cell(DAY, Table.OBJECTS, ALL) == ONE
    assert ledger.statistics_cell(DAY, Table.DISTINCT_BY_RULE, "A_Rule") == SKETCH
    assert ledger.statistics_cell(DAY, Table.DISTINCT_BY_RULE, "Another") is None
    assert ledger.statistics_cell(NEXT, Table.OBJECTS, ALL) is None
    more = replace(ONE, hosts=2, total=9)
    ledger.put_statistics_cell(DAY, more)
    assert set(ledger.statistics_cells(DAY)) == {more, SKETCH}
    assert (ledger.statistics_cell_count(DAY), ledger.statistics_cell_count(NEXT)) == (2, 0)


def test_digests_are_told_by_day(ledger: Ledger) -> None:
    """One that was noted for a day is known for that day only."""
    opened_day(ledger)
    assert ledger.statistics_seen(DAY, b"digest one")
    assert not ledger.statistics_seen(DAY, b"digest three")
    assert not ledger.statistics_seen(NEXT, b"digest one")


def test_closing_keeps_what_is_shown_and_nothing_else(ledger: Ledger) -> None:
    """Key, salt, digests and sums of the day are gone; other days are as they were; a day is closed once."""
    opened_day(ledger)
    opened_day(ledger, NEXT)
    ledger.close_statistics_day(closed_day())
    assert ledger.open_statistics_day(DAY) is None
    assert (ledger.statistics_cells(DAY), ledger.statistics_seen(DAY, b"digest one")) == ((), False)
    assert ledger.open_statistics_day(NEXT) is not None
    assert ledger.statistics_cell_count(NEXT) == 2
    assert ledger.statistics(DAY, NEXT, 9) == (closed_day(),)
    with pytest.raises(Conflict):
        ledger.close_statistics_day(closed_day())


def test_pages(ledger: Ledger) -> None:
    """Closed days from one to another, both included, oldest first, up to a limit; a day can be empty."""
    days = [closed_day(DAY + timedelta(days=number)) for number in range(3)]
    for day in reversed(days):
        ledger.close_statistics_day(day)
    empty = StatisticsDay(day=DAY - timedelta(days=1))
    ledger.close_statistics_day(empty)
    assert ledger.statistics(date.min, date.max, 9) == (empty, *days)
    assert ledger.statistics(NEXT, NEXT, 9) == (days[1],)
    assert ledger.statistics(DAY, date.max, 2) == tuple(days[:2])


def test_a_report_is_added_whole_or_not_at_all(ledger: Ledger) -> None:
    """What is raised in a transaction undoes digests and sums together."""
    ledger.add_statistics_day(OpenDay(DAY, KEY, SALT))
    with contextlib.suppress(RuntimeError), ledger.transaction():
        ledger.add_statistics_seen(DAY, [b"digest one"])
        ledger.put_statistics_cell(DAY, ONE)
        raise RuntimeError
    assert not ledger.statistics_seen(DAY, b"digest one")
    assert ledger.statistics_cells(DAY) == ()


def test_what_is_gone_is_in_no_file(tmp_path: Path) -> None:
    """After closing neither the key nor the salt nor a digest is in the database, its log or free pages."""
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    opened_day(ledger)
    assert any(KEY in path.read_bytes() for path in tmp_path.iterdir())
    ledger.close_statistics_day(closed_day())
    ledger.forget_deleted()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    ledger.close()
    for secret in (KEY, SALT, b"digest one"):
        assert not any(secret in data for data in files)
