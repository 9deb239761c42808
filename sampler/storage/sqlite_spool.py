"""The spool's ledger in one SQLite file.

A record is kept as one JSON document; ``state`` and ``due`` stand beside it for the indexes and change with it, in the
same transaction. What is needed to deliver an object is deleted when it ends.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from sampler.errors import SpoolFull
from sampler.model import Content, ObjectRecord, ObjectState, Scope, Spent, StatementRef, Verdict, Waiting
from sampler.spool import NO_WORTH, Worth
from sampler.storage.sqlite import open_database, our_errors, transaction
from sampler.storage.sqlite_spool_days import DAYS_SCHEMA_STEP, SqliteDays
from sampler.storage.sqlite_spool_recalls import RECALLS_SCHEMA_STEP, SqliteRecalls
from sampler.storage.sqlite_spool_used import USED_BYTES, USED_SCHEMA_STEP
from sampler.storage.sqlite_spool_worth import WORTH_SCHEMA_STEP, SqliteWorth

_SCHEMA_STEPS: Final = (
    """
    CREATE TABLE objects (
        number INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        due INTEGER,
        record BLOB NOT NULL
    ) STRICT;
    CREATE INDEX objects_by_state ON objects (state, number);
    CREATE INDEX objects_by_due ON objects (due) WHERE due IS NOT NULL;
    CREATE TABLE waiting (
        object INTEGER PRIMARY KEY REFERENCES objects (number) ON DELETE CASCADE,
        manifest BLOB NOT NULL,
        needs BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE needed_contents (
        object INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        upload_url TEXT,
        PRIMARY KEY (object, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX needed_contents_by_hash ON needed_contents (sha256, size);
    CREATE TABLE cursors (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE permitted (at INTEGER NOT NULL, content_bytes INTEGER NOT NULL) STRICT;
    CREATE INDEX permitted_by_time ON permitted (at);
    """,
    DAYS_SCHEMA_STEP,
    RECALLS_SCHEMA_STEP,
    WORTH_SCHEMA_STEP,
    USED_SCHEMA_STEP,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PERMITTED_KEPT: Final = timedelta(days=8)
"""Longer than anybody counts back."""
_VERDICTS: Final = "verdicts"

_NUMBER: Final = "SELECT number FROM objects WHERE event_id = ?"
_PAGE: Final = """
    SELECT record FROM objects WHERE (:before IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit
"""
_PAGE_OF_STATE: Final = """
    SELECT record FROM objects WHERE state = :state AND (:before IS NULL OR number < :before)
    ORDER BY number DESC LIMIT :limit
"""

_Values: TypeAlias = tuple[object, ...] | Mapping[str, object]

_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(ObjectRecord)
_needs_decoder = msgspec.json.Decoder(tuple[tuple[Content, ...], frozenset[Scope], StatementRef])


class SqliteSpoolLedger(SqliteDays, SqliteRecalls, SqliteWorth):
    """``spool.SpoolLedger`` over a file. One thread at a time; the spool's lock sees to it."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(path, _SCHEMA_STEPS)

    def add(self, record: ObjectRecord, waiting: Waiting | None, worth: Worth = NO_WORTH) -> bool:
        """Insert the record and what is needed to deliver it."""
        due = _microseconds(record.created) if waiting and record.state is ObjectState.SPOOLED else None
        with self._writing():
            number = self._value(
                "INSERT INTO objects (event_id, state, due, record) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (event_id) DO NOTHING RETURNING number",
                (record.event_id, record.state.value, due, _encoder.encode(record)),
            )
            if number is not None:
                self._follow(number, record)
            if number is not None and waiting is not None:
                self._add_waiting(number, waiting)
                if due is not None:
                    self._count(record, waiting)
                    self._weigh(number, waiting, worth, record.created)
        return number is not None

    def release(self, record: ObjectRecord, waiting: Waiting, worth: Worth = NO_WORTH) -> bool:
        """State, due time and what is needed to deliver change in one transaction."""
        with self._writing():
            number, held = self._open_object(record.event_id)
            if held is None or held.state is not ObjectState.HELD:
                return False
            self._delete_waiting(number)
            self._add_waiting(number, waiting)
            self._count(record, waiting)
            self._weigh(number, waiting, worth, record.updated)
            self._update(number, record, due=_microseconds(record.updated))
        return True

    def permitted_since(self, moment: datetime) -> Spent:
        """By the index over times."""
        query = "SELECT coalesce(sum(content_bytes), 0) AS bytes, count(*) AS objects FROM permitted WHERE at >= ?"
        (row,) = self._rows(query, (_microseconds(moment),))
        return Spent(row["bytes"], row["objects"])

    def get(self, event_id: str) -> ObjectRecord | None:
        """By the unique index."""
        found = self._rows("SELECT record FROM objects WHERE event_id = ?", (event_id,))
        return _record_decoder.decode(found[0]["record"]) if found else None

    def list(self, *, state: ObjectState | None, after: str | None, limit: int) -> tuple[ObjectRecord, ...]:
        """Paged by the number of the row, so that a page stays put while objects are added."""
        before = None if after is None else self._read_value(_NUMBER, (after,)) or 0
        query = _PAGE if state is None else _PAGE_OF_STATE
        rows = self._rows(query, {"before": before, "state": state, "limit": limit})
        return tuple(_record_decoder.decode(row["record"]) for row in rows)

    def counts(self) -> Counter[ObjectState]:
        """By the index over states."""
        rows = self._rows("SELECT state, count(*) AS number FROM objects GROUP BY state")
        return Counter({ObjectState(row["state"]): row["number"] for row in rows})

    def used_bytes(self) -> int:
        """One row, which triggers keep."""
        return self._read_value(USED_BYTES) or 0

    def due(self, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """Only ``SPOOLED`` objects have a due time."""
        rows = self._rows(
            "SELECT event_id, manifest, needs, attempts FROM objects JOIN waiting ON object = number "
            "WHERE due <= ? ORDER BY number LIMIT ?",
            (_microseconds(now), limit),
        )
        return tuple(_waiting(row) for row in rows)

    def next_due(self) -> datetime | None:
        """The first entry of the index over due times."""
        due = self._read_value("SELECT min(due) FROM objects WHERE due IS NOT NULL")
        return None if due is None else _EPOCH + due * _MICROSECOND

    def finish(
        self, event_id: str, state: ObjectState, *, detail: str, sent_bytes: int, now: datetime, rule: str | None = None
    ) -> tuple[str, ...]:
        """The state changes, and what was needed to deliver goes, in one transaction."""
        with self._writing():
            number, record = self._open_object(event_id)
            if record is None:
                return ()
            held = self._rows("SELECT sha256 FROM needed_contents WHERE object = ? ORDER BY sha256", (number,))
            self._delete_waiting(number)
            ended = replace(record, state=state, detail=detail, sent_bytes=sent_bytes, updated=now)
            self._update(number, ended if rule is None else replace(ended, rule=rule), due=None)
        return tuple(row["sha256"] for row in held)

    def unneeded(self, contents: Iterable[str]) -> tuple[str, ...]:
        """One look-up a hash."""
        query = "SELECT 1 FROM needed_contents WHERE sha256 = ? LIMIT 1"
        return tuple(sha256 for sha256 in contents if self._read_value(query, (sha256,)) is None)

    def postpone(self, event_id: str, until: datetime, *, detail: str, now: datetime) -> None:
        """Attempts and due time change with the record."""
        with self._writing():
            number, record = self._open_object(event_id)
            if record is None:
                return
            query = "UPDATE waiting SET attempts = attempts + 1 WHERE object = ?"
            delivers = self._database.execute(query, (number,)).rowcount and record.state is ObjectState.SPOOLED
            due = _microseconds(until) if delivers else None
            self._update(number, replace(record, detail=detail, updated=now), due=due)

    def set_verdict(self, event_id: str, verdict: Verdict, now: datetime) -> ObjectRecord | None:
        """An object may get its verdict before its end is known here: the due time stays."""
        with self._writing():
            found = self._rows("SELECT number, due, record FROM objects WHERE event_id = ?", (event_id,))
            if not found:
                return None
            record = replace(_record_decoder.decode(found[0]["record"]), verdict=verdict, updated=now)
            self._update(found[0]["number"], record, due=found[0]["due"])
        return record

    def remember_upload(self, event_id: str, sha256: str, url: str) -> None:
        """Kept beside the content that the object needs, and gone with it."""
        with self._writing():
            self._database.execute(
                "UPDATE needed_contents SET upload_url = ? "
                "WHERE sha256 = ? AND object = (SELECT number FROM objects WHERE event_id = ?)",
                (url, sha256, event_id),
            )

    def upload_url(self, event_id: str, sha256: str) -> str | None:
        """``None`` for what is not needed (any more)."""
        rows = self._rows(
            "SELECT upload_url FROM needed_contents JOIN objects ON number = object WHERE event_id = ? AND sha256 = ?",
            (event_id, sha256),
        )
        return rows[0]["upload_url"] if rows else None

    def cursor(self) -> int:
        """0 before the first ``set_cursor``."""
        return self._read_value("SELECT value FROM cursors WHERE name = ?", (_VERDICTS,)) or 0

    def set_cursor(self, value: int) -> None:
        """One row."""
        with self._writing():
            self._database.execute(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_VERDICTS, value),
            )

    def close(self) -> None:
        """Close the file; SQLite folds its log into it."""
        self._database.close()

    def _add_waiting(self, number: int, waiting: Waiting) -> None:
        needs = _encoder.encode((waiting.contents, waiting.scopes, waiting.statement))
        self._database.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?)", (number, waiting.manifest, needs, waiting.attempts)
        )
        self._database.executemany(
            "INSERT INTO needed_contents (object, sha256, size) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(number, content.sha256, content.size) for content in waiting.contents],
        )

    def _delete_waiting(self, number: int) -> None:
        self._database.execute("DELETE FROM needed_contents WHERE object = ?", (number,))
        self._database.execute("DELETE FROM waiting WHERE object = ?", (number,))
        self._database.execute("DELETE FROM worth WHERE object = ?", (number,))

    def _count(self, record: ObjectRecord, waiting: Waiting) -> None:
        """Remember how much was permitted, and forget what is too old to matter."""
        if waiting.contents:
            at = _microseconds(record.updated)
            self._database.execute("INSERT INTO permitted VALUES (?, ?)", (at, waiting.content_bytes))
            self._database.execute("DELETE FROM permitted WHERE at < ?", (at - _PERMITTED_KEPT // _MICROSECOND,))

    def _open_object(self, event_id: str) -> tuple[int, ObjectRecord | None]:
        """The row of an object that has not ended; no record for others."""
        found = self._rows("SELECT number, record FROM objects WHERE event_id = ?", (event_id,))
        if not found:
            return 0, None
        record = _record_decoder.decode(found[0]["record"])
        return found[0]["number"], None if record.state.is_final else record

    def _update(self, number: int, record: ObjectRecord, *, due: int | None) -> None:
        self._database.execute(
            "UPDATE objects SET state = ?, due = ?, record = ? WHERE number = ?",
            (record.state.value, due, _encoder.encode(record), number),
        )

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return transaction(self._database, full=SpoolFull)

    def _value(self, query: str, values: tuple[object, ...] = ()) -> int | None:
        row = self._database.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _read_value(self, query: str, values: tuple[object, ...] = ()) -> int | None:
        with our_errors():
            return self._value(query, values)

    def _rows(self, query: str, values: _Values = ()) -> Sequence[sqlite3.Row]:
        with our_errors():
            return self._database.execute(query, values).fetchall()


def _waiting(row: sqlite3.Row) -> Waiting:
    contents, scopes, statement = _needs_decoder.decode(row["needs"])
    return Waiting(row["event_id"], row["manifest"], contents, scopes, statement, row["attempts"])


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
