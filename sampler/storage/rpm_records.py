"""rpm's database (its ``sqlite`` backend, the default since rpm 4.16) of this system, read only.

Older backends (Berkeley DB, ndb) are not read: there nothing is known of any file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sampler.limits import MIB

HEADER_MAX_BYTES: Final = 64 * MIB
OWNERS_MAX_COUNT: Final = 32
"""Packages that have one path: those of several architectures share their documentation."""
_PLACES: Final = ("usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite")
_WITH_FILE: Final = """
    SELECT Packages.blob, Basenames.idx FROM Basenames
    JOIN Packages ON Packages.hnum = Basenames.hnum AND length(Packages.blob) <= ?
    WHERE Basenames.key = CAST(? AS TEXT)
    AND Basenames.hnum IN (SELECT hnum FROM Dirnames WHERE key = CAST(? AS TEXT)) LIMIT ?
"""


class RpmDatabase:
    """``describe.RpmRecords`` of the system under ``root``."""

    def __init__(self, root: str = "/") -> None:
        self._places = tuple(Path(root, place) for place in _PLACES)

    def present(self) -> bool:
        """Whether there is a database."""
        return self._file() is not None

    def installed(self, folder: bytes, basename: bytes) -> tuple[tuple[bytes, int], ...]:
        """Headers of packages that may have the file, each with its place in it; none where they cannot be read."""
        file = self._file()
        if file is None:
            return ()
        try:
            return _read(file, folder, basename, "mode=ro")
        except sqlite3.Error:
            return _as_it_lies(file, folder, basename)

    def _file(self) -> Path | None:
        return next((place for place in self._places if place.is_file()), None)


def _as_it_lies(file: Path, folder: bytes, basename: bytes) -> tuple[tuple[bytes, int], ...]:
    """Where the folder cannot be written to, which SQLite wants of a reader as well: without what is not yet merged."""
    try:
        return _read(file, folder, basename, "immutable=1")
    except sqlite3.Error:
        return ()


def _read(file: Path, folder: bytes, basename: bytes, how: str) -> tuple[tuple[bytes, int], ...]:
    connection = sqlite3.connect(f"file:{quote(str(file))}?{how}", uri=True, timeout=5.0)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        rows = connection.execute(_WITH_FILE, (HEADER_MAX_BYTES, basename, folder, OWNERS_MAX_COUNT)).fetchall()
    finally:
        connection.close()
    return tuple((blob, place) for blob, place in rows if isinstance(blob, bytes) and isinstance(place, int))
