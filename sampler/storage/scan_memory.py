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
_BY_CONTENT: Final = "SELECT answer, day FROM contents WHERE sha256 = ? AND context = ?"
_FLUSH_COUNT: Final = 1000
_SECONDS_A_DAY: Final = 86_400

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
        place = (_signed(file.device), _signed(file.inode), context, file.size, file.mtime_ns, file.ctime_ns)
        row = self._one(_BY_FILE, place)
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
        place = (_signed(file.device), _signed(file.inode), context, file.size, file.mtime_ns, file.ctime_ns)
        self._files.append((*place, digest))
        if len(self._contents) >= _FLUSH_COUNT:
            self._flush()

    def close(self) -> None:
        """Write what is not written yet, and make room."""
        self._flush()
        if self._connection is not None:
            with self._troubles("cannot make room"):
                self._make_room()
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
                log.warning("results of earlier scans are not usable and were deleted", error=str(error))
                with contextlib.suppress(OSError):
                    self._delete()
        return None

    def _delete(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

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
        return scanned

    def _flush(self) -> None:
        contents, files, used = self._contents, self._files, self._used
        self._contents, self._files, self._used = [], [], []
        if self._connection is None or not (contents or used):
            return
        with self._troubles("cannot be written"), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", contents)
            self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)
            self._connection.executemany("UPDATE contents SET day = ? WHERE sha256 = ? AND context = ?", used)

    def _make_room(self) -> None:
        """Delete the least recently used day, then half of today, until it fits."""
        connection = self._connection
        assert connection is not None  # close() has looked
        while _bytes_used(connection) > self._max_bytes:
            (oldest,) = connection.execute("SELECT min(day) FROM contents").fetchone()
            if oldest is None:
                return
            half = oldest == self._today
            with connection:
                below = b"\x80" if half else b"\xff" * 33
                connection.execute("DELETE FROM contents WHERE day = ? AND sha256 < ?", (oldest, below))
                connection.execute(
                    "DELETE FROM files WHERE (sha256, context) NOT IN (SELECT sha256, context FROM contents)"
                )
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if half and _bytes_used(connection) > self._max_bytes:
                with connection:
                    connection.execute("DELETE FROM contents")
                    connection.execute("DELETE FROM files")
                connection.execute("PRAGMA incremental_vacuum").fetchall()

    @contextlib.contextmanager
    def _troubles(self, what: str) -> Iterator[None]:
        """A failure of the database ends remembering, and nothing else."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            log.warning("results of scans " + what, error=str(error))
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=2.0)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _bytes_used(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def _signed(number: int) -> int:
    """SQLite's integers have a sign; the kernel's device and inode numbers have none."""
    return number - (1 << 64) if number >= 1 << 63 else number
