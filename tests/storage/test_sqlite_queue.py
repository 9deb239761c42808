from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.errors import StorageError, StorageFull
from sampler.queue import Submission
from sampler.storage.sqlite_connection import SqliteConnection
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.storage.sqlite_queue_rows import from_column, to_column

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    """A second opening finds the records of the first."""
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    ledger.add_submission(Submission("s", "d", NOW, b"m"), {"a" * 64: 1})
    ledger.close()
    again = SqliteQueueLedger(tmp_path / "queue.db")
    assert again.submission("s") == Submission("s", "d", NOW, b"m")
    again.close()


def test_a_second_process_may_write_beside_it(tmp_path: Path) -> None:
    """What another connection commits is seen at once."""
    server, tool = SqliteQueueLedger(tmp_path / "queue.db"), SqliteQueueLedger(tmp_path / "queue.db")
    tool.add_submission(Submission("s", "d", NOW, b"m"), {})
    assert server.submission("s") is not None
    server.close()
    tool.close()


def test_no_room_is_told_apart_from_damage(tmp_path: Path) -> None:
    """A ledger that cannot grow raises ``StorageFull`` and keeps what it has; a damaged one raises ``StorageError``."""
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    ledger.add_submission(Submission("kept", "d", NOW, b"m"), {})
    _database(ledger).execute("PRAGMA max_page_count = 10")
    with pytest.raises(StorageFull, match="disk is full"):
        ledger.add_submission(Submission("s", "d", NOW, bytes(1 << 20)), {})
    assert ledger.submission("kept") is not None
    _database(ledger).execute("DROP TABLE verdicts")
    with pytest.raises(StorageError, match="no such table"):
        ledger.verdicts("d", 0, 1)
    ledger.close()


def test_the_busiest_questions_use_an_index(tmp_path: Path) -> None:
    """Finding work, overdue leases and a device's verdicts never reads a whole table."""
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    for sql in (
        "SELECT * FROM tasks WHERE state = 'waiting' AND not_before <= 1 ORDER BY not_before, number LIMIT 1",
        "SELECT * FROM tasks WHERE state = 'leased' AND expires <= 1 ORDER BY expires, number LIMIT 9",
        "SELECT * FROM verdicts WHERE device = 'd' AND cursor > 1 ORDER BY cursor LIMIT 9",
        "SELECT count(*) FROM uploads WHERE device = 'd' AND offset < size",
    ):
        plan = _plan(_database(ledger), sql)
        assert "SCAN" not in plan, plan
    ledger.close()


def _database(ledger: SqliteQueueLedger) -> sqlite3.Connection:
    assert isinstance(ledger._connection, SqliteConnection)
    return ledger._connection.database


def _plan(connection: sqlite3.Connection, sql: str) -> str:
    return "\n".join(row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))


def test_moments_keep_their_microsecond() -> None:
    """A moment goes through a column unchanged, before 1970 as well."""
    for moment in (NOW.replace(microsecond=1), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)):
        assert from_column(to_column(moment)) == moment
