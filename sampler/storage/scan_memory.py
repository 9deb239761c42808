"""Results of earlier scans, so that what has not changed is not scanned again: a cache in one SQLite file.

A result belongs to bytes (their SHA-256) and to a context: the rules, and what they were told of the file. Beside it
stands which state of which file had these bytes. Nothing here is needed: the file may be deleted at any time, a damaged
one is, and where none can be had everything is scanned. It lies in a folder that only its user can write to, because
whoever can write results can have a file passed over.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from sampler.limits import SCAN_MEMORY_MAX_BYTES
from sampler.model import FileVersion, Scanned
from sampler.runtime.log import Log
from sampler.runtime.places import is_private

log: Final = Log()

_NAME: Final = "scans-1.sqlite"
"""With the layout's number: another layout is another file."""
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS contents (
        sha256 BLOB NOT NULL, context BLOB NOT NULL, size INTEGER NOT NULL, answer BLOB NOT NULL, day INTEGER NOT NULL,
        PRIMARY KEY (sha256, context)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS contents_by_size ON contents (size);
    CREATE TABLE IF NOT EXISTS files (
        device INTEGER NOT NULL, inode INTEGER NOT NULL, context BLOB NOT NULL,
        size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, sha256 BLOB NOT NULL,
        PRIMARY KEY (device, inode, context)
    ) STRICT, WITHOUT ROWID;
"""
_BY_FILE: Final = """
    SELECT answer, day, sha256 FROM files JOIN contents USING (sha256, context)
    WHERE device = ? AND inode = ? AND context = ? AND files.size = ? AND mtime = ? AND ctime = ?
"""
_LOOK: Final = (
    "SELECT sha256, context, size, answer, day FROM contents LIMIT 0",
    "SELECT device, inode, context, size, mtime, ctime, sha256 FROM files LIMIT 0",
)
"""Fails where tables of these names are others."""
_BY_CONTENT: Final = "SELECT answer, day FROM contents WHERE sha256 = ? AND context = ?"
_FLUSH_COUNT: Final = 1000
_SECONDS_A_DAY: Final = 86_400
_ABOVE_ALL: Final = b"\xff" * 33
"""Greater than any SHA-256."""
_BUSY_SECONDS: Final = 2.0
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""``SQLITE_ERROR`` is what a query gets that does not fit the tables."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Scanned)


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
        self._files: list[tuple[int, int, bytes, int, int, int, bytes]] = []
        self._used: list[tuple[int, bytes, bytes]] = []
        self._connection = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recall(self, file: FileVersion, context: bytes) -> Scanned | None:
        """The result of a file that is in the very state in which it was scanned."""
        row = self._one(_BY_FILE, _place(file, context))
        return None if row is None else self._answer(row[0], row[1], row[2], context)

    def may_know(self, size: int) -> bool:
        """Whether any content of so many bytes is known: only then hashing a file first can spare a scan."""
        return self._one("SELECT 1 FROM contents WHERE size = ? LIMIT 1", (size,)) is not None

    def recall_content(self, sha256: str, context: bytes) -> Scanned | None:
        """The result of bytes that were scanned before, in whatever file."""
        digest = bytes.fromhex(sha256)
        row = self._one(_BY_CONTENT, (digest, context))
        return None if row is None else self._answer(row[0], row[1], digest, context)

    def remember(self, file: FileVersion, context: bytes, scanned: Scanned) -> None:
        """Keep a result; it is written with others, at the latest by ``close``."""
        digest = bytes.fromhex(scanned.sha256)
        self._contents.append((digest, context, scanned.size, _encoder.encode(scanned), self._today))
        self._files.append((*_place(file, context), digest))
        if len(self._contents) >= _FLUSH_COUNT:
            self._flush()

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
        with contextlib.suppress(OSError):
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        return True

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
        if day != self._today:
            self._used.append((self._today, digest, context))
            if len(self._used) >= _FLUSH_COUNT:
                self._flush()
        return scanned

    def _flush(self) -> None:
        contents, files, used = self._contents, self._files, self._used
        self._contents, self._files, self._used = [], [], []
        if self._connection is None or not (contents or used):
            return
        with self._troubles("cannot be written"):
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", contents)
                self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)
                self._connection.executemany("UPDATE contents SET day = ? WHERE sha256 = ? AND context = ?", used)
            self._make_room(self._connection)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Delete the least recently used day, and where that is today, half of it and then all, until it fits."""
        halved = False
        while _bytes_used(connection) > self._max_bytes:
            (oldest,) = connection.execute("SELECT min(day) FROM contents").fetchone()
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
        connection.execute("DELETE FROM files WHERE (sha256, context) NOT IN (SELECT sha256, context FROM contents)")
    connection.executescript("PRAGMA incremental_vacuum")  # execute() would end it after one page
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _code(error: sqlite3.DatabaseError) -> int | None:
    """SQLite's primary result code; the module's own errors have none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _place(file: FileVersion, context: bytes) -> tuple[int, int, bytes, int, int, int]:
    """The columns that find a file."""
    return (
        _wrapped(file.device),
        _wrapped(file.inode),
        context,
        file.size,
        _wrapped(file.mtime_ns),
        _wrapped(file.ctime_ns),
    )


def _wrapped(number: int) -> int:
    """SQLite's integers have 64 bits and a sign; inode numbers have none, and times can be set to any year."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
