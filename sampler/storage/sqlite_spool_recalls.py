"""What was taken back, in the spool's SQLite file; and its objects in the order of their identifiers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from sampler.errors import SpoolFull
from sampler.model import Content, ObjectRecord, ObjectState, Scope, StatementRef, Waiting
from sampler.spool import Booked, Cause, Wish
from sampler.storage.sqlite import our_errors, transaction

RECALLS_SCHEMA_STEP: Final = """
    CREATE TABLE wishes (
        event_id TEXT NOT NULL PRIMARY KEY,
        cause TEXT NOT NULL,
        asked INTEGER NOT NULL,
        confirmed INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX wishes_open ON wishes (asked) WHERE confirmed IS NULL;
    CREATE TABLE followers (
        object INTEGER PRIMARY KEY REFERENCES objects (number) ON DELETE CASCADE,
        follows TEXT NOT NULL
    ) STRICT;
    CREATE INDEX followers_by_first ON followers (follows, object);
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BOOKED: Final = """
    SELECT event_id, state, record, manifest, needs, attempts, cause, asked, confirmed
    FROM objects LEFT JOIN waiting ON object = number LEFT JOIN wishes USING (event_id)
"""
_IN_ORDER: Final = f"{_BOOKED} WHERE event_id > ? ORDER BY event_id LIMIT ?"
_ONE: Final = f"{_BOOKED} WHERE event_id = ?"

_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(ObjectRecord)
_needs_decoder = msgspec.json.Decoder(tuple[tuple[Content, ...], frozenset[Scope], StatementRef])


class SqliteRecalls:
    """``spool.RecallsLedger`` over the connection of a spool's ledger."""

    _database: sqlite3.Connection

    def take_back(self, event_id: str, wish: Wish | None, *, detail: str, now: datetime) -> tuple[str, ...]:
        """The state, what was needed to deliver, and the wish change together."""
        with transaction(self._database, full=SpoolFull):
            found = self._select("SELECT number, record FROM objects WHERE event_id = ?", event_id)
            if not found:
                return ()
            number = found[0]["number"]
            held = self._select("DELETE FROM needed_contents WHERE object = ? RETURNING sha256", number)
            self._database.execute("DELETE FROM waiting WHERE object = ?", (number,))
            self._database.execute("DELETE FROM worth WHERE object = ?", (number,))
            self._write_record(event_id, ObjectState.RECALLED, detail, now)
            if wish is not None:
                sql = "INSERT INTO wishes (event_id, cause, asked) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
                self._database.execute(sql, (event_id, wish.cause, _microseconds(wish.asked)))
        return tuple(sorted(row["sha256"] for row in held))

    def wish(self, event_id: str) -> Wish | None:
        """By its key."""
        found = self._select("SELECT * FROM wishes WHERE event_id = ?", event_id)
        return _wish(found[0]) if found else None

    def wishes(self, limit: int) -> tuple[Wish, ...]:
        """By the index over those that are open."""
        sql = "SELECT * FROM wishes WHERE confirmed IS NULL ORDER BY asked, event_id LIMIT ?"
        return tuple(_wish(row) for row in self._select(sql, limit))

    def end_wish(self, event_id: str, *, confirmed: bool, detail: str, now: datetime) -> None:
        """With the record's detail."""
        with transaction(self._database, full=SpoolFull):
            if confirmed:
                sql = "UPDATE wishes SET confirmed = ? WHERE event_id = ? AND confirmed IS NULL"
                changed = self._database.execute(sql, (_microseconds(now), event_id)).rowcount
            else:
                sql = "DELETE FROM wishes WHERE event_id = ? AND confirmed IS NULL"
                changed = self._database.execute(sql, (event_id,)).rowcount
            if changed:
                self._write_record(event_id, ObjectState.RECALLED, detail, now)

    def followers(self, event_id: str, limit: int) -> tuple[ObjectRecord, ...]:
        """By the index over first objects."""
        sql = "SELECT record FROM followers JOIN objects ON number = object WHERE follows = ? ORDER BY object LIMIT ?"
        return tuple(_record_decoder.decode(row["record"]) for row in self._select(sql, event_id, limit))

    def booked(self, event_id: str) -> Booked | None:
        """By the unique index over identifiers."""
        found = self._select(_ONE, event_id)
        return _booked(found[0]) if found else None

    def in_order(self, after: str, limit: int) -> tuple[Booked, ...]:
        """By the unique index over identifiers."""
        return tuple(_booked(row) for row in self._select(_IN_ORDER, after, limit))

    def needed(self, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """By the index over hashes."""
        sql = "SELECT DISTINCT sha256, size FROM needed_contents WHERE sha256 > ? ORDER BY sha256 LIMIT ?"
        return tuple((row["sha256"], row["size"]) for row in self._select(sql, after, limit))

    def _follow(self, number: int, record: ObjectRecord) -> None:
        """Note, in the transaction that adds an object, which one it follows."""
        if record.follows is not None:
            self._database.execute("INSERT INTO followers VALUES (?, ?)", (number, record.follows))

    def _write_record(self, event_id: str, state: ObjectState, detail: str, now: datetime) -> None:
        (row,) = self._select("SELECT number, record FROM objects WHERE event_id = ?", event_id)
        record = replace(_record_decoder.decode(row["record"]), state=state, detail=detail, updated=now)
        sql = "UPDATE objects SET state = ?, due = NULL, record = ? WHERE number = ?"
        self._database.execute(sql, (state.value, _encoder.encode(record), row["number"]))

    def _select(self, sql: str, *values: object) -> Sequence[sqlite3.Row]:
        with our_errors():
            return self._database.execute(sql, values).fetchall()


def _wish(row: sqlite3.Row) -> Wish:
    confirmed = None if row["confirmed"] is None else _moment(row["confirmed"])
    return Wish(row["event_id"], msgspec.convert(row["cause"], Cause), _moment(row["asked"]), confirmed)


def _booked(row: sqlite3.Row) -> Booked:
    waiting = None
    if row["manifest"] is not None:
        contents, scopes, statement = _needs_decoder.decode(row["needs"])
        waiting = Waiting(row["event_id"], row["manifest"], contents, scopes, statement, row["attempts"])
    wish = None if row["cause"] is None else _wish(row)
    return Booked(_record_decoder.decode(row["record"]), ObjectState(row["state"]), waiting, wish)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
