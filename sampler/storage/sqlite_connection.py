"""One SQLite file as a ``Connection`` of the queue's ledger; used on one thread at a time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sampler.errors import Conflict, StorageError, StorageFull
from sampler.storage.sqlite import open_database, our_errors, savepoint, transaction


class SqliteConnection:
    """``connections.Connection`` over SQLite, which lets one write at a time: nothing is ever contended."""

    at_once = 1

    def __init__(self, path: Path, schema_steps: Sequence[str]) -> None:
        self.database = open_database(path, schema_steps)
        self._together = False
        self._log_is_due = False

    def transaction(self) -> AbstractContextManager[None]:
        """``BEGIN IMMEDIATE`` … ``COMMIT``; of several together, a savepoint."""
        return (savepoint if self._together else transaction)(self.database, full=StorageFull)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One transaction around several."""
        try:
            with transaction(self.database, full=StorageFull):
                self._together = True
                yield
                self._check()
        finally:
            self._together = False
        if self._log_is_due:
            self._log_is_due = False
            self.forget_deleted()

    claiming = transaction
    claim = hold = ""  # its transactions run one after the other

    def turn(self) -> AbstractContextManager[None]:
        """Nobody has to wait for anybody."""
        return contextlib.nullcontext()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of an answer."""
        self._check()
        with our_errors(full=StorageFull):
            return self.database.execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""
        self._check()
        try:
            with our_errors(full=StorageFull):
                return self.database.execute(sql, values).rowcount
        except sqlite3.IntegrityError as error:
            raise Conflict(f"the ledger has it already, or lacks what it belongs to: {error}") from error

    def write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The same statement for each of these."""
        self._check()
        try:
            with our_errors(full=StorageFull):
                self.database.executemany(sql, rows)
        except sqlite3.IntegrityError as error:
            raise Conflict(f"the ledger has it already, or lacks what it belongs to: {error}") from error

    def in_order(self, key: str) -> None:
        """There is never another transaction beside this one."""

    def forget_deleted(self) -> None:
        """Fold the log into the file and cut it off: pages as they were before stand in it until then.

        Of several together it is done once their transaction has ended, which is before anybody hears of them.
        """
        if self._together:
            self._log_is_due = True
            return
        with our_errors():
            self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        self.database.close()

    def _check(self) -> None:
        """SQLite ends some failed transactions by itself; what follows would not be together any more."""
        if self._together and not self.database.in_transaction:
            raise StorageError("the ledger gave up several steps at once; each is tried again")
