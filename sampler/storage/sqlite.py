"""How every SQLite file of Sampler is opened: durable, private, and brought to the present schema.

Owns the connection's set-up and the transaction. A connection may be handed between threads, but only one thread at a
time may use it (a ``runtime.blocking.Lane`` sees to that). This module knows no table.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sampler.errors import SamplerError, StorageError
from sampler.runtime.durable import sync_folder

_BUSY_TIMEOUT_MS = 10_000
_FULL_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def open_database(path: Path, schema_steps: Sequence[str]) -> sqlite3.Connection:
    """Open (or create, mode 0600) a database: WAL, ``synchronous=FULL``, foreign keys, autocommit, rows by name.

    ``schema_steps[n]`` is the script that takes schema version ``n`` to ``n + 1`` (``PRAGMA user_version``). Steps are
    only ever appended. Each runs in a transaction of its own with its version, so a crash leaves a whole version.

    Raises:
        StorageError: the file cannot be opened, is not a database, is damaged, or was written by a newer version.
    """
    try:
        _create_private(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{path}: cannot be opened: {error}; check the folder and its rights") from error
    try:
        _configure(connection)
        _migrate(connection, path, schema_steps)
    except sqlite3.Error as error:
        connection.close()
        raise StorageError(f"{path}: not a usable database: {error}; restore it or move it away") from error
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, full: type[SamplerError] = StorageError) -> Iterator[None]:
    """One ``BEGIN IMMEDIATE`` … ``COMMIT``; durable when it returns, undone when anything is raised inside.

    Raises:
        full: the disk is full; nothing was changed.
        StorageError: SQLite failed in another way (but ``sqlite3.IntegrityError`` comes through as it is).
    """
    with our_errors(full=full):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.OperationalError):  # SQLite ends some failed transactions by itself
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def savepoint(connection: sqlite3.Connection, *, full: type[SamplerError] = StorageError) -> Iterator[None]:
    """A part of a transaction that is undone by itself when anything is raised inside.

    Raises:
        full: the disk is full; the whole transaction may be undone.
        StorageError: SQLite failed in another way, and the same.
    """
    with our_errors(full=full):
        connection.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.OperationalError):  # there is none where the transaction is gone
                connection.execute("ROLLBACK TO step")
                connection.execute("RELEASE step")
            raise
        connection.execute("RELEASE step")


@contextlib.contextmanager
def our_errors(*, full: type[SamplerError] = StorageError) -> Iterator[None]:
    """Turn what SQLite raises into ours, broken constraints (``sqlite3.IntegrityError``) and bugs of ours apart.

    Raises:
        full: the disk is full; nothing was changed.
        StorageError: SQLite failed in another way.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise _converted(error, full) from error


def _converted(error: sqlite3.DatabaseError, full: type[SamplerError]) -> SamplerError:
    if getattr(error, "sqlite_errorcode", None) in _FULL_CODES:
        return full(f"the disk is full ({error}); make room, nothing that was acknowledged is lost")
    return StorageError(f"the ledger failed: {error}")


def _create_private(path: Path) -> None:
    """SQLite would create it with the process's umask; its WAL and shared memory take over the file's mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


def _configure(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA secure_delete = ON")  # what is recalled or pruned is not left in free pages


def _migrate(connection: sqlite3.Connection, path: Path, schema_steps: Sequence[str]) -> None:
    present = _version(connection)
    if present > len(schema_steps):
        raise StorageError(
            f"{path}: has schema version {present}, this program knows {len(schema_steps)}; use a newer Sampler"
        )
    for number in range(present, len(schema_steps)):
        _step(connection, number, schema_steps[number])


def _step(connection: sqlite3.Connection, number: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) == number:  # another process may have been first
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script (``executescript`` would commit the transaction that holds them)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
