"""Runs of the administrator's command that are owed, in one SQLite file: each until it succeeded or was given up.

A call is noted once for an object and a verdict, so that a verdict that comes twice is told once, unless the command
failed. Safe for several threads.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sampler.model import VerdictCall
from sampler.storage.sqlite import open_database, our_errors, transaction

_SCHEMA_STEPS: Final = (
    """
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        document BLOB,
        noted INTEGER NOT NULL,
        due INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        detail TEXT NOT NULL DEFAULT '',
        UNIQUE (event_id, digest)
    ) STRICT;
    CREATE INDEX calls_by_due ON calls (due, number) WHERE due IS NOT NULL;
    CREATE INDEX calls_ended ON calls (noted) WHERE due IS NULL;
    """,
)
_NOTE: Final = """
    INSERT INTO calls (event_id, digest, document, noted, due) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (event_id, digest) DO NOTHING
"""
_OF_ONE: Final = "WHERE event_id = ? AND digest = ?"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class SqliteCalls:
    """Owed calls, and which were made. Every method may raise ``StorageError``."""

    def __init__(self, path: Path) -> None:
        self._database: sqlite3.Connection = open_database(path, _SCHEMA_STEPS)
        self._lock = threading.Lock()

    def note(self, call: VerdictCall, now: datetime) -> bool:
        """Owe it from now on; durable when this returns. False, and no change, where it is noted already."""
        row = (call.event_id, _digest(call), call.document, _microseconds(now), _microseconds(call.due))
        with self._lock, transaction(self._database):
            return self._database.execute(_NOTE, row).rowcount == 1

    def due(self, now: datetime, limit: int) -> tuple[VerdictCall, ...]:
        """Those to be made now, in the order in which they became due."""
        query = "SELECT * FROM calls WHERE due <= ? ORDER BY due, number LIMIT ?"
        with self._lock, our_errors():
            rows = self._database.execute(query, (_microseconds(now), limit)).fetchall()
        return tuple(map(_call, rows))

    def next_due(self) -> datetime | None:
        """When the next one is to be made, in the past or the future; ``None`` when none is owed."""
        with self._lock, our_errors():
            due = self._database.execute("SELECT min(due) FROM calls WHERE due IS NOT NULL").fetchone()[0]
        return None if due is None else _EPOCH + due * _MICROSECOND

    def done(self, call: VerdictCall) -> None:
        """It succeeded: what it told is forgotten, that it was made is not."""
        sql = f"UPDATE calls SET document = NULL, due = NULL, detail = '' {_OF_ONE}"  # noqa: S608  # our own words
        self._write(sql, call.event_id, _digest(call))

    def failed(self, call: VerdictCall, due: datetime | None) -> None:
        """Count one more attempt, with what ``call`` says of it; ``None``: it is given up."""
        when = None if due is None else _microseconds(due)
        sql = f"UPDATE calls SET attempts = attempts + 1, due = ?, detail = ? {_OF_ONE}"  # noqa: S608  # our own words
        self._write(sql, when, call.detail, call.event_id, _digest(call))

    def counts(self) -> tuple[int, int]:
        """How many are owed, and how many were given up."""
        sql = "SELECT count(due), coalesce(sum(due IS NULL AND document IS NOT NULL), 0) FROM calls"
        with self._lock, our_errors():
            owed, given_up = self._database.execute(sql).fetchone()
        return owed, given_up

    def given_up(self, limit: int) -> tuple[VerdictCall, ...]:
        """Those that failed too often, the newest first."""
        query = "SELECT * FROM calls WHERE due IS NULL AND document IS NOT NULL ORDER BY number DESC LIMIT ?"
        with self._lock, our_errors():
            rows = self._database.execute(query, (limit,)).fetchall()
        return tuple(map(_call, rows))

    def owed(self, limit: int) -> tuple[VerdictCall, ...]:
        """Those that are to be made, now or later, in that order."""
        query = "SELECT * FROM calls WHERE due IS NOT NULL ORDER BY due, number LIMIT ?"
        with self._lock, our_errors():
            rows = self._database.execute(query, (limit,)).fetchall()
        return tuple(map(_call, rows))

    def retry(self, now: datetime) -> int:
        """Owe again, from now on, what was given up; how many."""
        sql = "UPDATE calls SET due = ?, attempts = 0 WHERE due IS NULL AND document IS NOT NULL"
        with self._lock, transaction(self._database):
            return self._database.execute(sql, (_microseconds(now),)).rowcount

    def forget(self, before: datetime) -> int:
        """Let go of ended ones that were noted before; how many."""
        with self._lock, transaction(self._database):
            sql = "DELETE FROM calls WHERE due IS NULL AND noted < ?"
            return self._database.execute(sql, (_microseconds(before),)).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _write(self, sql: str, *values: object) -> None:
        with self._lock, transaction(self._database):
            self._database.execute(sql, values)


def _digest(call: VerdictCall) -> str:
    return hashlib.sha256(call.document).hexdigest()


def _call(row: sqlite3.Row) -> VerdictCall:
    due = row["due"] if row["due"] is not None else row["noted"]
    return VerdictCall(row["event_id"], row["document"], _EPOCH + due * _MICROSECOND, row["attempts"], row["detail"])


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
