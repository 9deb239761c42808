"""What every part of the queue's SQLite ledger stands on: the schema, the connection, and how values lie in rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sampler.errors import Conflict
from sampler.storage.connections import Connection, Row
from sampler.storage.sqlite_queue_audit_schema import AUDIT_SCHEMA_STEP
from sampler.storage.sqlite_queue_lookup_schema import KNOWN_GOOD_SCHEMA_STEP, LOOKUP_SCHEMA_STEP
from sampler.storage.sqlite_queue_receipts_schema import RECEIPTS_DUE_SCHEMA_STEP
from sampler.storage.sqlite_queue_retention_schema import RETENTION_SCHEMA_STEP
from sampler.storage.sqlite_queue_schema import STATISTICS_SCHEMA_STEP
from sampler.storage.sqlite_queue_search_schema import SEARCH_SCHEMA_STEP
from sampler.storage.sqlite_queue_tasks_schema import TASKS_SCHEMA_STEP
from sampler.storage.sqlite_queue_tenancy_schema import QUOTAS_SCHEMA_STEP, TENANTS_SCHEMA_STEP
from sampler.storage.sqlite_queue_uploading import UPLOAD_METADATA_SCHEMA_STEP

SCHEMA_STEPS: Final = (
    """
    CREATE TABLE devices (
        number INTEGER PRIMARY KEY,
        agent_id TEXT NOT NULL UNIQUE,
        serial TEXT NOT NULL,
        name TEXT NOT NULL,
        enrolled INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        revoked INTEGER
    ) STRICT;

    CREATE TABLE tokens (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        name TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        ended INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE ended IS NULL;

    CREATE TABLE submissions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        device TEXT NOT NULL,
        received INTEGER NOT NULL,
        manifest BLOB NOT NULL
    ) STRICT;

    CREATE TABLE offered (
        submission TEXT NOT NULL REFERENCES submissions (id),
        position INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (submission, position),
        UNIQUE (submission, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX offered_by_content ON offered (sha256);

    CREATE TABLE contents (
        sha256 TEXT NOT NULL PRIMARY KEY,
        size INTEGER NOT NULL,
        verified INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE uploads (
        id TEXT NOT NULL PRIMARY KEY,
        submission TEXT NOT NULL REFERENCES submissions (id),
        device TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        UNIQUE (submission, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX uploads_by_device ON uploads (device) WHERE offset < size;
    CREATE INDEX uploads_by_end ON uploads (expires);

    CREATE TABLE tasks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        submission TEXT NOT NULL UNIQUE REFERENCES submissions (id),
        created INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        worker TEXT,
        lease_digest TEXT,
        expires INTEGER,
        failure TEXT,
        verdict TEXT
    ) STRICT;
    CREATE INDEX tasks_due ON tasks (not_before, number) WHERE state = 'waiting';
    CREATE INDEX tasks_leased ON tasks (expires) WHERE state = 'leased';
    CREATE INDEX tasks_by_state ON tasks (state, number);

    CREATE TABLE verdicts (
        cursor INTEGER PRIMARY KEY AUTOINCREMENT,
        device TEXT NOT NULL,
        submission TEXT NOT NULL REFERENCES submissions (id),
        verdict TEXT NOT NULL
    ) STRICT;
    CREATE INDEX verdicts_by_device ON verdicts (device, cursor);
    """,
    """
    CREATE TABLE asks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        submission TEXT NOT NULL REFERENCES submissions (id),
        device TEXT NOT NULL,
        asked TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        state TEXT NOT NULL,
        answer TEXT,
        reason TEXT
    ) STRICT;
    CREATE INDEX asks_by_submission ON asks (submission, number);
    CREATE INDEX asks_open ON asks (device, number) WHERE state = 'open';
    CREATE INDEX asks_overdue ON asks (expires) WHERE state = 'open';
    """,
    """
    CREATE TABLE receipts (
        position INTEGER PRIMARY KEY,
        submission TEXT NOT NULL UNIQUE,
        device TEXT NOT NULL,
        document BLOB NOT NULL,
        signature BLOB NOT NULL
    ) STRICT;
    CREATE INDEX receipts_by_device ON receipts (device, position);

    CREATE TABLE log_nodes (
        level INTEGER NOT NULL,
        place INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (level, place)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE recalls (
        submission TEXT NOT NULL PRIMARY KEY REFERENCES submissions (id),
        device TEXT NOT NULL,
        cause TEXT NOT NULL,
        asked INTEGER NOT NULL,
        task TEXT,
        done INTEGER,
        named INTEGER NOT NULL DEFAULT 1
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX recalls_by_task ON recalls (task) WHERE task IS NOT NULL;
    CREATE INDEX recalls_unfinished ON recalls (asked) WHERE done IS NULL;
    CREATE INDEX recalls_named ON recalls (done) WHERE named = 1;

    CREATE TABLE recalled_contents (
        submission TEXT NOT NULL REFERENCES recalls (submission),
        position INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        kept INTEGER NOT NULL,
        PRIMARY KEY (submission, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX recalled_contents_by_hash ON recalled_contents (sha256);
    CREATE INDEX submissions_by_device ON submissions (device, id);
    """,
    STATISTICS_SCHEMA_STEP,
    TENANTS_SCHEMA_STEP,
    UPLOAD_METADATA_SCHEMA_STEP,
    TASKS_SCHEMA_STEP,
    QUOTAS_SCHEMA_STEP,
    SEARCH_SCHEMA_STEP,
    LOOKUP_SCHEMA_STEP,
    RETENTION_SCHEMA_STEP,
    RECEIPTS_DUE_SCHEMA_STEP,
    AUDIT_SCHEMA_STEP,
    KNOWN_GOOD_SCHEMA_STEP,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_column(moment: datetime) -> int:
    """Microseconds since 1970 UTC: exact, sorts by time."""
    return (moment - _EPOCH) // _MICROSECOND


def from_column(microseconds: int) -> datetime:
    """The moment that ``to_column`` made a number of."""
    return _EPOCH + microseconds * _MICROSECOND


def or_none(microseconds: int | None) -> datetime | None:
    """A moment that may be absent."""
    return None if microseconds is None else from_column(microseconds)


class Rows:
    """What every part of the ledger asks its connection through; the connection speaks to one database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def at_once(self) -> int:
        """How many threads may use it at the same time."""
        return self._connection.at_once

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; not nested."""
        return self._connection.transaction()

    def claiming(self) -> AbstractContextManager[None]:
        """A transaction that takes tasks: what it finds no other one finds until it ends."""
        return self._connection.claiming()

    def together(self) -> AbstractContextManager[None]:
        """Several steps that are durable at once, when it ends."""
        return self._connection.together()

    def turn(self) -> AbstractContextManager[None]:
        """Of all steps that are run in a turn, one is run at a time."""
        return self._connection.turn()

    def close(self) -> None:
        """Let go of the database. A second call does nothing."""
        self._connection.close()

    def _rows(self, sql: str, *values: Any) -> Sequence[Row]:
        return self._connection.rows(sql, values)

    def _row(self, sql: str, *values: Any) -> Row | None:
        return next(iter(self._rows(sql, *values)), None)

    def _claimed_rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """In a claiming transaction, rows that no other one has, and that none gets before it ends."""
        return self._rows(sql + self._connection.claim, *values)

    def _held_row(self, sql: str, *values: Any) -> Row | None:
        """In a claiming transaction, a row as it is when no other one has it any more."""
        return self._row(sql + self._connection.hold, *values)

    def _number(self, sql: str, *values: Any) -> int:
        return int(self._rows(sql, *values)[0][0])

    def _write(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        return self._connection.write(sql, values)

    def _insert(self, table: str, *, of: str, **values: Any) -> None:
        """A new row.

        Raises:
            Conflict: ``of``, which says what it is, is there already.
        """
        self._insert_numbered(table, "0", of=of, **values)

    def _insert_numbered(self, table: str, number: str, *, of: str, **values: Any) -> int:
        """A new row, and what the database put into its column ``number``.

        Raises:
            Conflict: ``of``, which says what it is, is there already.
        """
        names = ", ".join(values)
        sql = f"INSERT INTO {table} ({names}) VALUES {marks(tuple(values))}"  # noqa: S608  # all names are ours
        row = self._row(f"{sql} ON CONFLICT DO NOTHING RETURNING {number} AS given", *values.values())
        if row is None:
            raise Conflict(f"{of} exists already")
        return int(row["given"])

    def _write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.write_many(sql, rows)


def marks(values: Sequence[Any]) -> str:
    """What stands behind ``IN`` for so many values; of none, a list that nothing is in."""
    return f"({', '.join('?' * len(values)) or 'NULL'})"
