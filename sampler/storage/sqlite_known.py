"""What a host knows of bytes by their hash: verdicts until they expire, in one SQLite file.

It spares sending and nothing else: the file may be deleted at any time. Safe for several threads.
"""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from sampler.limits import KNOWN_VERDICTS_MAX_COUNT
from sampler.model import KnownVerdict
from sampler.storage.sqlite import open_database, our_errors, transaction

_SCHEMA_STEPS: Final = (
    """
    CREATE TABLE known (
        sha256 TEXT NOT NULL PRIMARY KEY,
        given INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        known BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX known_by_end ON known (expires);
    """,
)
_PUT: Final = """
    INSERT INTO known (sha256, given, expires, known) VALUES (?, ?, ?, ?)
    ON CONFLICT (sha256) DO UPDATE SET given = excluded.given, expires = excluded.expires, known = excluded.known
    WHERE excluded.given >= known.given
"""
_TOO_MANY: Final = """
    DELETE FROM known WHERE sha256 IN (
        SELECT sha256 FROM known ORDER BY expires LIMIT max(0, (SELECT count(*) FROM known) - ?)
    )
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(KnownVerdict)


class SqliteKnown:
    """Verdicts by hash. Every method may raise ``StorageError``."""

    def __init__(self, path: Path, *, max_count: int = KNOWN_VERDICTS_MAX_COUNT) -> None:
        self._database: sqlite3.Connection = open_database(path, _SCHEMA_STEPS)
        self._max_count = max_count
        self._lock = threading.Lock()

    def put(self, known: KnownVerdict) -> None:
        """Keep it in place of an older one about the same bytes; durable when this returns."""
        given, expires = _microseconds(known.verdict.at), _microseconds(known.expires)
        with self._lock, transaction(self._database):
            self._database.execute(_PUT, (known.sha256, given, expires, _encoder.encode(known)))

    def get(self, sha256: str) -> KnownVerdict | None:
        """What is known of these bytes, expired or not."""
        with self._lock, our_errors():
            row = self._database.execute("SELECT known FROM known WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else _decoder.decode(row["known"])

    def forget(self, now: datetime) -> int:
        """Let go of what has expired, and of what expires next where there is too much; how many."""
        with self._lock, transaction(self._database):
            expired = self._database.execute("DELETE FROM known WHERE expires <= ?", (_microseconds(now),)).rowcount
            return expired + self._database.execute(_TOO_MANY, (self._max_count,)).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
