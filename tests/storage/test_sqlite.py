from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from sampler.errors import StorageError, StorageFull
from sampler.storage.sqlite import open_database, transaction

FIRST = "CREATE TABLE things (name TEXT PRIMARY KEY) STRICT;\nCREATE TABLE more (name TEXT) STRICT;"
SECOND = "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;"


def _insert(connection: sqlite3.Connection, *names: str) -> None:
    with transaction(connection, full=StorageFull):
        for name in names:
            connection.execute("INSERT INTO things (name) VALUES (?)", (name,))


def test_a_new_file_is_private_and_durable(tmp_path: Path) -> None:
    """A new database is mode 0600, in WAL mode, and syncs every commit."""
    connection = open_database(tmp_path / "a.db", [FIRST])
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()


def test_later_steps_reach_an_older_file(tmp_path: Path) -> None:
    """A file of an older schema keeps its rows and gets the steps that it lacks, once."""
    connection = open_database(tmp_path / "a.db", [FIRST])
    connection.execute("INSERT INTO things VALUES ('one')")
    connection.close()
    for _ in range(2):
        connection = open_database(tmp_path / "a.db", [FIRST, SECOND])
        assert [tuple(row) for row in connection.execute("SELECT name, size FROM things")] == [("one", 7)]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
        connection.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a newer schema is refused and says both versions."""
    open_database(tmp_path / "a.db", [FIRST, SECOND]).close()
    with pytest.raises(StorageError, match="version 2, this program knows 1"):
        open_database(tmp_path / "a.db", [FIRST])


def test_a_failing_step_leaves_the_version_before(tmp_path: Path) -> None:
    """A step that fails in its middle leaves nothing of itself behind."""
    with pytest.raises(StorageError, match="not a usable database"):
        open_database(tmp_path / "a.db", [FIRST, "CREATE TABLE half (name TEXT);\nCREATE TABLE things (x TEXT);"])
    connection = open_database(tmp_path / "a.db", [FIRST])
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names == {"things", "more"}
    connection.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Bytes that are no database are an error that names the file."""
    (tmp_path / "a.db").write_bytes(b"not a database, and long enough to have a header" * 40)
    with pytest.raises(StorageError, match=r"a\.db"):
        open_database(tmp_path / "a.db", [FIRST])


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there is an error that names the file."""
    with pytest.raises(StorageError, match=r"absent/a\.db"):
        open_database(tmp_path / "absent" / "a.db", [FIRST])


def test_a_transaction_is_undone_when_anything_is_raised(tmp_path: Path) -> None:
    """What is raised inside a transaction takes its changes with it; a broken constraint comes through as it is."""
    connection = open_database(tmp_path / "a.db", [FIRST])
    with pytest.raises(sqlite3.IntegrityError):
        _insert(connection, "one", "one")
    assert connection.execute("SELECT count(*) FROM things").fetchone()[0] == 0
    connection.close()


def test_a_full_disk_is_named_and_undone(tmp_path: Path) -> None:
    """When there is no room the caller's own error is raised and the rows before stay."""
    connection = open_database(tmp_path / "a.db", [FIRST])
    _insert(connection, "kept")
    connection.execute("PRAGMA max_page_count = 6")
    with pytest.raises(StorageFull, match="disk is full"):
        _insert(connection, *(f"{number:0500}" for number in range(1000)))
    assert [row[0] for row in connection.execute("SELECT name FROM things")] == ["kept"]
    connection.close()
