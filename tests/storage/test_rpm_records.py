"""rpm's database, laid out as rpm 4.18 creates it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sampler.storage.rpm_records import OWNERS_MAX_COUNT, RpmDatabase

LAYOUT = """
CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);
CREATE TABLE 'Basenames' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL,
    FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum));
CREATE INDEX 'Basenames_key_idx' ON 'Basenames'(key ASC);
CREATE TABLE 'Dirnames' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL,
    FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum));
CREATE INDEX 'Dirnames_key_idx' ON 'Dirnames'(key ASC);
CREATE INDEX 'Dirnames_hnum_idx' ON 'Dirnames'(hnum ASC);
"""


@pytest.fixture(params=["usr/lib/sysimage/rpm", "var/lib/rpm"])
def database(tmp_path: Path, request: pytest.FixtureRequest) -> sqlite3.Connection:
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "rpmdb.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(LAYOUT)
    return connection


def install(database: sqlite3.Connection, blob: bytes, *names: tuple[str, str]) -> None:
    number = database.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,)).lastrowid
    for place, (folder, basename) in enumerate(names):
        database.execute("INSERT INTO Basenames VALUES (?, ?, ?)", (basename, number, place))
        database.execute("INSERT INTO Dirnames VALUES (?, ?, ?)", (folder, number, place))


def test_packages_with_a_name_and_a_folder(database: sqlite3.Connection, tmp_path: Path) -> None:
    """Of all packages those that have both, with the file's place; also while rpm has the database open."""
    install(database, b"one", ("/usr/bin/", "cat"), ("/usr/bin/", "ls"))
    install(database, b"two", ("/opt/", "ls"))
    install(database, b"three", ("/usr/bin/", "tac"))
    records = RpmDatabase(str(tmp_path))
    assert records.present()
    assert records.installed(b"/usr/bin/", b"ls") == ((b"one", 1),)
    assert records.installed(b"/usr/bin/", b"sl") == ()


def test_names_that_are_no_text(database: sqlite3.Connection, tmp_path: Path) -> None:
    """A name of any bytes is asked for as it is."""
    install(database, b"one", ("/opt/", "f\u00fcr"))
    records = RpmDatabase(str(tmp_path))
    assert records.installed(b"/opt/", "f\u00fcr".encode()) == ((b"one", 0),)
    assert records.installed(b"/opt/", b"\xff'; DROP TABLE Packages; --") == ()


def test_no_more_than_a_few_owners(database: sqlite3.Connection, tmp_path: Path) -> None:
    """A path of many packages costs a bounded number of headers."""
    for number in range(OWNERS_MAX_COUNT + 5):
        install(database, b"%d" % number, ("/a/", "b"))
    assert len(RpmDatabase(str(tmp_path)).installed(b"/a/", b"b")) == OWNERS_MAX_COUNT


def test_a_system_without_rpm(tmp_path: Path) -> None:
    """No database, no answer."""
    records = RpmDatabase(str(tmp_path))
    assert not records.present()
    assert records.installed(b"/usr/bin/", b"ls") == ()


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database(content: bytes, tmp_path: Path) -> None:
    """What cannot be read is absent."""
    place = tmp_path / "var/lib/rpm/rpmdb.sqlite"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert RpmDatabase(str(tmp_path)).installed(b"/usr/bin/", b"ls") == ()
