"""Results of earlier scans, so that what has not changed is not scanned again: a cache in one SQLite file.

A result belongs to bytes (their SHA-256) and to a context: the rules, and what they were told of the file. The results
of whole folders are kept once more, each with the state of the file that had these bytes, so that a folder that did not
change costs one query. Nothing here is needed: the file may be deleted at any time, a damaged one is, and where none
can be had everything is scanned. It lies in a folder that only its user can write to, because whoever can write results
can have a file passed over.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import msgspec

from sampler.limits import SCAN_MEMORY_MAX_BYTES
from sampler.model import RuleMatch, Scanned
from sampler.runtime.log import Log
from sampler.runtime.places import is_private

log: Final = Log()

_NAME: Final = "scans-2.sqlite"
"""With the layout's number: another layout is another file."""
_EARLIER_NAMES: Final = ("scans-1.sqlite",)
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS contents (
        sha256 BLOB NOT NULL, context BLOB NOT NULL, size INTEGER NOT NULL, answer BLOB NOT NULL, day INTEGER NOT NULL,
        PRIMARY KEY (sha256, context)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS contents_by_size ON contents (size);
    CREATE TABLE IF NOT EXISTS files (
        folder BLOB NOT NULL, name BLOB NOT NULL, state BLOB NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
        type TEXT NOT NULL, matches BLOB, day INTEGER NOT NULL,
        PRIMARY KEY (folder, name)
    ) STRICT, WITHOUT ROWID;
"""
_OF_FOLDER: Final = """
    SELECT name, state, sha256, size, type, matches, day FROM files WHERE folder = ? AND name BETWEEN ? AND ?
"""
"""One after another on the disk, because the primary key orders the rows."""
_LOOK: Final = (
    "SELECT sha256, context, size, answer, day FROM contents LIMIT 0",
    "SELECT folder, name, state, sha256, size, type, matches, day FROM files LIMIT 0",
)
"""Fails where tables of these names are others."""
_BY_CONTENT: Final = "SELECT answer, day FROM contents WHERE sha256 = ? AND context = ?"
_OLDEST: Final = "SELECT min(day) FROM (SELECT min(day) AS day FROM contents UNION ALL SELECT min(day) FROM files)"
_FLUSH_COUNT: Final = 1000
_SECONDS_A_DAY: Final = 86_400
_DAYS_UNMARKED: Final = 7
"""How old a mark of use becomes before a new use renews it: a scan every day must not rewrite everything."""
_ABOVE_ALL: Final = b"\xff" * 33
"""Greater than any SHA-256."""
_BUSY_SECONDS: Final = 2.0
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""``SQLITE_ERROR`` is what a query gets that does not fit the tables."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Scanned)
_matches_decoder = msgspec.msgpack.Decoder(tuple[RuleMatch, ...])


class ScanMemory:
    """What was found before. For one thread; nothing it does raises: what fails is logged, and then nothing is known.

    Args:
        folder: private to this user; made if it is not there.
        max_bytes: on disk; what was not used for longest makes room.
        now: seconds since 1970 UTC.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int = SCAN_MEMORY_MAX_BYTES, now: Callable[[], float] = time.time
    ) -> None:
        self._path = folder / _NAME
        self._max_bytes = max_bytes
        self._today = int(now() // _SECONDS_A_DAY)
        self._contents: list[tuple[bytes, bytes, int, bytes, int]] = []
        self._files: list[tuple[bytes, bytes, bytes, bytes, int, str, bytes | None, int]] = []
        self._used: list[tuple[int, bytes, bytes]] = []
        self._used_files: list[tuple[int, bytes, bytes]] = []
        self._connection = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recall(self, folder: bytes, states: Mapping[bytes, bytes]) -> dict[bytes, Scanned]:
        """Results, by name, of those files of one folder that are in the very state in which they were scanned.

        Args:
            folder: everything that a result depends on and that is the same for all of these files.
            states: the state of each file now, by its name.
        """
        known: dict[bytes, Scanned] = {}
        if self._connection is None or not states:
            return known
        span = (folder, min(states), max(states))
        with self._troubles("cannot be read"):
            for name, state, sha256, size, mime_type, matches, day in self._connection.execute(_OF_FOLDER, span):
                if states.get(name) == state and (scanned := _scanned(sha256, size, mime_type, matches)) is not None:
                    known[name] = scanned
                    if self._is_long_unmarked(day):
                        self._used_files.append((self._today, folder, name))
        self._flush_if_long()
        return known

    def may_know(self, size: int) -> bool:
        """Whether any content of so many bytes is known: only then hashing a file first can spare a scan."""
        return self._one("SELECT 1 FROM contents WHERE size = ? LIMIT 1", (size,)) is not None

    def recall_content(self, sha256: str, context: bytes) -> Scanned | None:
        """The result of bytes that were scanned before, in whatever file."""
        digest = bytes.fromhex(sha256)
        row = self._one(_BY_CONTENT, (digest, context))
        return None if row is None else self._answer(row[0], row[1], digest, context)

    def remember(self, folder: bytes, name: bytes, state: bytes, context: bytes, scanned: Scanned) -> None:
        """Keep a result; it is written with others, at the latest by ``close``.

        Args:
            folder: as in ``recall``.
            name: of the file.
            state: the file's when its bytes were read.
            context: what the result depends on beside the bytes, wherever the file lies.
            scanned: the result.
        """
        digest = bytes.fromhex(scanned.sha256)
        matches = _encoder.encode(scanned.matches) if scanned.matches else None
        self._contents.append((digest, context, scanned.size, _encoder.encode(scanned), self._today))
        self._files.append((folder, name, state, digest, scanned.size, scanned.mime_type, matches, self._today))
        self._flush_if_long()

    def close(self) -> None:
        """Write what is not written yet."""
        self._flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection | None:
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            log.info("results of scans are not kept", folder=str(folder), error=str(error))
            return None
        if not is_private(folder):
            log.warning("results of scans are not kept: others can write to the folder", folder=str(folder))
            return None
        self._delete_earlier()
        for _ in range(2):
            try:
                return _connect(self._path)
            except sqlite3.DatabaseError as error:
                if not self._is_deleted_for(error):
                    log.warning("results of scans are not kept", error=str(error))
                    return None
        return None

    def _is_deleted_for(self, error: sqlite3.DatabaseError) -> bool:
        """Delete what is damaged; what another process holds, or a disk does not give, may be whole."""
        if _code(error) not in _DAMAGED:
            return False
        log.warning("results of earlier scans are damaged and were deleted", error=str(error))
        _unlink(self._path)
        return True

    def _delete_earlier(self) -> None:
        """What earlier releases kept is of no use any more."""
        if not self._path.exists():
            for name in _EARLIER_NAMES:
                _unlink(self._path.with_name(name))

    def _one(self, query: str, values: tuple[object, ...]) -> sqlite3.Row | None:
        row: sqlite3.Row | None = None
        if self._connection is not None:
            with self._troubles("cannot be read"):
                row = self._connection.execute(query, values).fetchone()
        return row

    def _answer(self, answer: bytes, day: int, digest: bytes, context: bytes) -> Scanned | None:
        try:
            scanned = _decoder.decode(answer)
        except msgspec.DecodeError:
            return None
        if self._is_long_unmarked(day):
            self._used.append((self._today, digest, context))
            self._flush_if_long()
        return scanned

    def _is_long_unmarked(self, day: int) -> bool:
        """A day that is to come was written under a wrong clock."""
        return not 0 <= self._today - day < _DAYS_UNMARKED

    def _flush_if_long(self) -> None:
        if max(len(self._contents), len(self._used), len(self._used_files)) >= _FLUSH_COUNT:
            self._flush()

    def _flush(self) -> None:
        contents, files, used, used_files = self._contents, self._files, self._used, self._used_files
        self._contents, self._files, self._used, self._used_files = [], [], [], []
        if self._connection is None or not (contents or used or used_files):
            return
        with self._troubles("cannot be written"):
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", contents)
                self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", files)
                self._connection.executemany("UPDATE contents SET day = ? WHERE sha256 = ? AND context = ?", used)
                self._connection.executemany("UPDATE files SET day = ? WHERE folder = ? AND name = ?", used_files)
            self._make_room(self._connection)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Delete the least recently used day, and where that is today, half of it and then all, until it fits."""
        halved = False
        while _bytes_used(connection) > self._max_bytes:
            (oldest,) = connection.execute(_OLDEST).fetchone()
            if oldest is None:
                return
            _delete_day(connection, oldest, below=b"\x80" if oldest == self._today and not halved else _ABOVE_ALL)
            halved = oldest == self._today

    @contextlib.contextmanager
    def _troubles(self, what: str) -> Iterator[None]:
        """A failure of the database ends remembering, and nothing else."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if not self._is_deleted_for(error):
                log.warning("results of scans " + what, error=str(error))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        for query in _LOOK:
            connection.execute(query)
    except BaseException:
        connection.close()
        raise
    return connection


def _bytes_used(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def _delete_day(connection: sqlite3.Connection, day: int, *, below: bytes) -> None:
    """Delete what was last used on a day and whose hash is below, and give its pages back to the disk."""
    with connection:
        connection.execute("DELETE FROM contents WHERE day = ? AND sha256 < ?", (day, below))
        connection.execute("DELETE FROM files WHERE day = ? AND sha256 < ?", (day, below))
    connection.executescript("PRAGMA incremental_vacuum")  # execute() would end it after one page
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _code(error: sqlite3.DatabaseError) -> int | None:
    """SQLite's primary result code; the module's own errors have none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _scanned(sha256: bytes, size: int, mime_type: str, matches: bytes | None) -> Scanned | None:
    """A row's result; ``None`` for one that nobody wrote so."""
    try:
        return Scanned(sha256.hex(), size, mime_type, () if matches is None else _matches_decoder.decode(matches))
    except msgspec.DecodeError:
        return None


def _unlink(database: Path) -> None:
    with contextlib.suppress(OSError):
        for ending in ("", "-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
