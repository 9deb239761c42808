"""What waits for delivery is worth, in the spool's SQLite file, and the ends that the spool decided by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from sampler.errors import SpoolFull
from sampler.model import ObjectRecord, Waiting
from sampler.spool import Departed, Ended, Group, NeededContent, Resident, Worth, own_points
from sampler.storage.sqlite import our_errors, transaction

WORTH_SCHEMA_STEP: Final = """
    CREATE TABLE worth (
        object INTEGER PRIMARY KEY REFERENCES objects (number) ON DELETE CASCADE,
        owner TEXT NOT NULL,
        severity INTEGER NOT NULL,
        size INTEGER NOT NULL,
        points REAL NOT NULL,
        since INTEGER NOT NULL,
        lived INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX worth_by_points ON worth (points, object DESC);
    CREATE INDEX worth_by_owner ON worth (owner, size, severity, since);
    CREATE INDEX worth_by_age ON worth (lived);
    INSERT INTO worth
        SELECT object, '', 0, length(manifest) + coalesce(
            (SELECT sum(size) FROM needed_contents WHERE needed_contents.object = waiting.object), 0), 0.0, due, 0
        FROM waiting JOIN objects ON number = object WHERE state = 'spooled' AND due IS NOT NULL;
    CREATE TABLE spooled_of (owner TEXT PRIMARY KEY, objects INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE untold (
        event_id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        why TEXT NOT NULL,
        detail TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"""
"""``owner`` is the group that the object's bytes count for; what was there before belongs to none.

``lived`` is how many seconds the spool had been at work when the object came.
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_EVICTABLE: Final = """
    WITH least AS (
        SELECT worth.object AS number, event_id, owner, severity, length(manifest) AS manifest_bytes, points
        FROM worth JOIN objects ON objects.number = worth.object JOIN waiting ON waiting.object = worth.object
        WHERE (attempts = 0 OR EXISTS (SELECT 1 FROM needed_contents WHERE needed_contents.object = worth.object))
        AND NOT EXISTS (
            SELECT 1 FROM needed_contents WHERE needed_contents.object = worth.object AND upload_url IS NOT NULL)
        ORDER BY points, worth.object DESC LIMIT ?
    )
    SELECT least.*, sha256, size,
        (SELECT count(*) FROM needed_contents AS others WHERE others.sha256 = own.sha256) AS needed_by
    FROM least LEFT JOIN needed_contents AS own ON own.object = number ORDER BY points, number DESC, sha256
"""
_GROUPS: Final = """
    SELECT owner, count(*) AS objects, sum(size) AS size, max(severity) AS severity, min(since) AS since
    FROM worth GROUP BY owner ORDER BY sum(size) DESC, owner
"""
_LIVED: Final = "coalesce((SELECT value FROM cursors WHERE name = 'lived'), 0)"
_WEIGH: Final = f"INSERT INTO worth SELECT ?, ?, ?, ?, ?, ?, {_LIVED}"  # our own words
_LIVE: Final = """
    INSERT INTO cursors VALUES ('lived', ?) ON CONFLICT (name) DO UPDATE SET value = cursors.value + excluded.value
"""
_OVERDUE: Final = f"""
    SELECT event_id FROM worth JOIN objects ON number = object
    WHERE lived <= {_LIVED} - ? ORDER BY lived, object LIMIT ?
"""  # noqa: S608  # our own words

_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(ObjectRecord)


class SqliteWorth:
    """``spool.EndsLedger`` over the connection of a spool's ledger."""

    _database: sqlite3.Connection

    def evictable(self, limit: int) -> tuple[Resident, ...]:
        """By the index over what severity and size say."""
        by_object = groupby(self._ask(_EVICTABLE, limit), key=lambda row: row["number"])
        return tuple(_resident(list(rows)) for _, rows in by_object)

    def groups(self) -> tuple[Group, ...]:
        """By the index over groups alone."""
        return tuple(
            Group(row["owner"], row["objects"], row["size"], row["severity"], _moment(row["since"]))
            for row in self._ask(_GROUPS)
        )

    def seen(self) -> Mapping[str, int]:
        """One row a group."""
        return {row["owner"]: row["objects"] for row in self._ask("SELECT owner, objects FROM spooled_of")}

    def live(self, seconds: int) -> None:
        """One row."""
        with transaction(self._database, full=SpoolFull):
            self._database.execute(_LIVE, (seconds,))

    def overdue(self, seconds: int, limit: int) -> tuple[str, ...]:
        """By the index over ages."""
        return tuple(row["event_id"] for row in self._ask(_OVERDUE, seconds, limit))

    def end_all(self, ends: Sequence[Ended]) -> Departed:
        """One transaction for all of them."""
        ended: list[str] = []
        contents: set[str] = set()
        with transaction(self._database, full=SpoolFull):
            for end in ends:
                if (needed := self._end(end)) is not None:
                    ended.append(end.event_id)
                    contents |= needed
        return Departed(tuple(ended), tuple(sorted(contents)))

    def untold(self, limit: int) -> tuple[Ended, ...]:
        """In the order of their times."""
        return tuple(
            msgspec.convert({**dict(row), "at": _moment(row["at"])}, Ended)
            for row in self._ask(
                "SELECT event_id, state, why, detail, at FROM untold ORDER BY at, event_id LIMIT ?", limit
            )
        )

    def told(self, event_ids: Collection[str]) -> None:
        """One transaction for all of them."""
        with transaction(self._database, full=SpoolFull):
            self._database.executemany("DELETE FROM untold WHERE event_id = ?", [(each,) for each in event_ids])

    def make_due(self, event_ids: Collection[str] | None, now: datetime) -> int:
        """Only what has a due time waits for delivery."""
        at = _microseconds(now)
        with transaction(self._database, full=SpoolFull):
            if event_ids is None:
                return self._database.execute("UPDATE objects SET due = ? WHERE due > ?", (at, at)).rowcount
            sql = "UPDATE objects SET due = ? WHERE due > ? AND event_id = ?"
            return sum(self._database.execute(sql, (at, at, each)).rowcount for each in event_ids)

    def _weigh(self, number: int, waiting: Waiting, worth: Worth, since: datetime) -> None:
        """Note, in the transaction that lets an object be delivered, what it is worth."""
        size = len(waiting.manifest) + waiting.content_bytes
        values = (number, worth.group, worth.severity, size, own_points(worth, size), _microseconds(since))
        self._database.execute(_WEIGH, values)
        sql = "INSERT INTO spooled_of VALUES (?, 1) ON CONFLICT (owner) DO UPDATE SET objects = spooled_of.objects + 1"
        self._database.execute(sql, (worth.group,))

    def _end(self, end: Ended) -> set[str] | None:
        """The contents that it needed; ``None`` where it does not wait for delivery."""
        found = self._ask("SELECT number, record FROM objects WHERE event_id = ? AND state = 'spooled'", end.event_id)
        if not found:
            return None
        number = found[0]["number"]
        record = replace(_record_decoder.decode(found[0]["record"]), state=end.state, detail=end.detail, updated=end.at)
        contents = {row["sha256"] for row in self._ask("SELECT sha256 FROM needed_contents WHERE object = ?", number)}
        for table in ("needed_contents", "waiting", "worth"):
            self._database.execute(f"DELETE FROM {table} WHERE object = ?", (number,))  # noqa: S608  # our own words
        sql = "UPDATE objects SET state = ?, due = NULL, record = ? WHERE number = ?"
        self._database.execute(sql, (end.state.value, _encoder.encode(record), number))
        values = (end.event_id, end.state.value, end.why, end.detail, _microseconds(end.at))
        self._database.execute("INSERT INTO untold VALUES (?, ?, ?, ?, ?)", values)
        return contents

    def _ask(self, sql: str, *values: object) -> Sequence[sqlite3.Row]:
        with our_errors():
            return self._database.execute(sql, values).fetchall()


def _resident(rows: Sequence[sqlite3.Row]) -> Resident:
    """An object from its rows, one a content, or one without any."""
    first, needed = rows[0], (row for row in rows if row["sha256"] is not None)
    return Resident(
        event_id=first["event_id"],
        number=first["number"],
        worth=Worth(first["owner"], first["severity"]),
        manifest_bytes=first["manifest_bytes"],
        contents=tuple(NeededContent(row["sha256"], row["size"], row["needed_by"]) for row in needed),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
