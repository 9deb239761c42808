"""One suite over every ledger that counts objects by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sampler.limits import STATISTICS_KEPT_DAYS
from sampler.model import Conclusion, ObjectRecord, ObjectState, Reason, Scope, StatementRef, Verdict, Waiting
from sampler.model.statistics import ALL, Count, CountedDay, DayState, Table, Tally
from sampler.spool import SpoolLedger
from sampler.storage import sqlite_spool
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.storage.sqlite import open_database
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.storage.sqlite_spool_days import DAYS_SCHEMA_STEP

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SpoolLedger]:
    """Each of them in turn."""
    path = tmp_path / "ledger.sqlite"
    made: SpoolLedger = MemorySpoolLedger() if request.param == "memory" else SqliteSpoolLedger(path)
    yield made
    made.close()


def _add(ledger: SpoolLedger, event_id: str, state: ObjectState, created: datetime = NOON) -> None:
    record = ObjectRecord(event_id, state, created, created, 0, Reason.DETECTION)
    waiting = Waiting(event_id, b"{}", (), frozenset({Scope.REPUTATION}), StatementRef("basic", 1, "0" * 64), 0)
    assert ledger.add(record, None if state.is_final else waiting)


def _close(ledger: SpoolLedger, day: date) -> list[str]:
    """The objects that closing the day counts."""
    seen: list[str] = []

    def sum_up(records: Iterable[ObjectRecord]) -> CountedDay:
        seen.extend(record.event_id for record in records)
        counts = (Count(Table.OBJECTS, ALL, len(seen)),) if seen else ()
        return CountedDay(f"report-{day}", Tally(day, counts))

    ledger.close_day(day, sum_up)
    return seen


def _counted(ledger: SpoolLedger, day: date | None) -> list[str]:
    return ledger.over_counted(day, lambda records: [record.event_id for record in records])


def test_each_object_is_counted_once(ledger: SpoolLedger) -> None:
    """What has ended is counted on the first day that finds it so, and on no other."""
    _add(ledger, "ended", ObjectState.REFUSED)
    _add(ledger, "open", ObjectState.SPOOLED)
    _add(ledger, "held", ObjectState.HELD)
    assert _counted(ledger, None) == ["ended"]
    assert _close(ledger, DAY) == ["ended"]
    ledger.finish("open", ObjectState.DELIVERED, detail="", sent_bytes=0, now=NOON + timedelta(days=3))
    assert _counted(ledger, None) == ["open"]
    assert _close(ledger, DAY + timedelta(days=1)) == ["open"]
    assert _close(ledger, DAY + timedelta(days=2)) == []
    assert (_counted(ledger, DAY), _counted(ledger, DAY + timedelta(days=1))) == (["ended"], ["open"])


def test_a_closed_day_stays_as_it_is(ledger: SpoolLedger) -> None:
    """Closing a day again sums nothing, and later objects of the day count on the next one."""
    _add(ledger, "1", ObjectState.REFUSED)
    assert _close(ledger, DAY) == ["1"]
    before = ledger.day(DAY)
    _add(ledger, "2", ObjectState.REFUSED)
    assert _close(ledger, DAY) == []
    assert ledger.day(DAY) == before
    assert _close(ledger, DAY + timedelta(days=1)) == ["2"]


def test_objects_of_the_next_day_wait(ledger: SpoolLedger) -> None:
    """What was flagged after the day's end is not counted on it, however late it is closed."""
    _add(ledger, "1", ObjectState.REFUSED, datetime(2026, 11, 25, tzinfo=UTC))
    assert _close(ledger, DAY) == []
    assert _close(ledger, DAY + timedelta(days=1)) == ["1"]


def test_a_verdict_or_a_recall_later_counts_nothing_anew(ledger: SpoolLedger) -> None:
    """A record that changes after it was counted stays counted."""
    _add(ledger, "1", ObjectState.DELIVERED)
    _close(ledger, DAY)
    assert ledger.set_verdict("1", Verdict(Conclusion.BENIGN, 0, "a", NOON), NOON + timedelta(days=1)) is not None
    assert (_counted(ledger, None), _counted(ledger, DAY)) == ([], ["1"])


def test_what_fails_while_it_sums_counts_nothing(ledger: SpoolLedger) -> None:
    """An error in summing leaves the day open and its objects uncounted."""
    _add(ledger, "1", ObjectState.REFUSED)

    def fails(records: Iterable[ObjectRecord]) -> CountedDay:
        raise RuntimeError(len(list(records)))

    with pytest.raises(RuntimeError):
        ledger.close_day(DAY, fails)
    assert ledger.day(DAY) is None
    assert _close(ledger, DAY) == ["1"]


def test_days_come_back_as_they_were(ledger: SpoolLedger) -> None:
    """Every value of a day is kept, the newest come first, and one that is not there is not put."""
    for number in range(3):
        _close(ledger, DAY + timedelta(days=number))
    assert [each.tally.day.day for each in ledger.days(2)] == [26, 25]
    sent = CountedDay("id", Tally(DAY, (Count(Table.BY_RULE, "A_Rule", 7),)), DayState.SENT, "detail", b"\0report")
    ledger.put_day(sent)
    assert ledger.day(DAY) == sent
    absent = CountedDay("id", Tally(DAY - timedelta(days=9)))
    ledger.put_day(absent)
    assert ledger.day(absent.tally.day) is None


def test_old_days_are_forgotten(ledger: SpoolLedger) -> None:
    """A day that is older than a year goes; its objects stay counted."""
    _add(ledger, "1", ObjectState.REFUSED)
    _close(ledger, DAY)
    _close(ledger, DAY + timedelta(days=STATISTICS_KEPT_DAYS + 1))
    assert ledger.day(DAY) is None
    assert _counted(ledger, None) == []


def test_objects_from_before_days_were_counted_stay_uncounted(tmp_path: Path) -> None:
    """A ledger that is brought to this schema counts only what is flagged from then on."""
    path = tmp_path / "ledger.sqlite"
    record = ObjectRecord("old", ObjectState.REFUSED, NOON, NOON, 0, Reason.DETECTION)
    before = open_database(path, sqlite_spool._SCHEMA_STEPS[: sqlite_spool._SCHEMA_STEPS.index(DAYS_SCHEMA_STEP)])
    values = (record.event_id, record.state.value, msgspec.json.encode(record))
    before.execute("INSERT INTO objects (event_id, state, record) VALUES (?, ?, ?)", values)
    before.close()
    ledger = SqliteSpoolLedger(path)
    _add(ledger, "new", ObjectState.REFUSED)
    assert _close(ledger, DAY) == ["new"]
    ledger.close()
