"""Several steps of the queue's ledger in SQLite as one commit."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.errors import StorageError
from sampler.queue import Ledger
from sampler.storage.opening import open_ledger

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite://{file}")
    yield opened
    opened.close()


def _committed(file: Path) -> list[str]:
    """What another process sees."""
    with contextlib.closing(sqlite3.connect(file)) as other:
        return [row[0] for row in other.execute("SELECT sha256 FROM contents ORDER BY sha256")]


def _add(ledger: Ledger, name: str) -> None:
    ledger.add_content(name * 64, 1, NOW, "default")


def _add_and_fail(ledger: Ledger, name: str) -> None:
    with ledger.transaction():
        _add(ledger, name)
        raise LookupError


def _lose_together(ledger: Ledger) -> None:
    with ledger.together():
        _add(ledger, "a")
        ledger._connection.database.execute("ROLLBACK")  # type: ignore[attr-defined]  # as SQLite does on a full disk
        with pytest.raises(StorageError):
            _add(ledger, "b")


def test_nothing_is_there_before_all_is(ledger: Ledger, file: Path) -> None:
    """Transactions, and statements outside of one, become durable when the last has ended."""
    with ledger.together():
        with ledger.transaction():
            _add(ledger, "a")
        _add(ledger, "b")
        assert _committed(file) == []
        assert ledger.verified(("a" * 64,)) == {"a" * 64}
    assert _committed(file) == ["a" * 64, "b" * 64]


def test_a_transaction_that_is_undone_takes_no_other_with_it(ledger: Ledger, file: Path) -> None:
    """What came before and after it stays."""
    with ledger.together():
        with ledger.transaction():
            _add(ledger, "a")
        with pytest.raises(LookupError):
            _add_and_fail(ledger, "b")
        with ledger.transaction():
            _add(ledger, "c")
    assert _committed(file) == ["a" * 64, "c" * 64]


def test_what_is_forgotten_is_gone_when_it_is_told(ledger: Ledger, file: Path) -> None:
    """The log is cut off behind the commit, before anybody hears of it."""
    with ledger.together():
        _add(ledger, "a")
        ledger.forget_deleted()
    assert file.with_name("queue.db-wal").stat().st_size == 0


def test_a_transaction_that_sqlite_ended_is_seen(ledger: Ledger, file: Path) -> None:
    """Nothing goes on outside of it as if it were still there, and nothing of it stays."""
    with pytest.raises(StorageError, match="each is tried again"):
        _lose_together(ledger)
    assert _committed(file) == []
    with ledger.transaction():
        _add(ledger, "c")
    assert _committed(file) == ["c" * 64]
