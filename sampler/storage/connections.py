"""What the row modules of the queue's ledger need of a database: one SQL, spoken by SQLite and by PostgreSQL.

The SQL is what both understand: ``?`` for a value, ``ON CONFLICT``, ``RETURNING``; a column is ``INTEGER``,
``TEXT``, ``BLOB`` and ``REAL``; a table ends in ``STRICT`` (and ``WITHOUT ROWID``). What a database says otherwise, its
connection translates. Invariant: a statement outside of a transaction is one by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Row(Protocol):
    """One row of an answer."""

    def __getitem__(self, column: Any, /) -> Any:
        """A value by its column's name, or by its place from 0."""


class Connection(Protocol):
    """A way to one database. Raises ``StorageFull`` for want of room and ``StorageError`` for whatever else fails."""

    at_once: int
    """How many threads may use it at the same time."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable when it ends; not nested.

        Raises:
            Contended: somebody else changed the same meanwhile; nothing was done, and it may be tried again.
        """

    def claiming(self) -> AbstractContextManager[None]:
        """A transaction in which ``claim`` and ``hold`` stand behind what selects rows that it is going to change.

        Raises:
            Contended: somebody else changed the same meanwhile; nothing was done, and it may be tried again.
        """

    @property
    def claim(self) -> str:
        """Behind a ``SELECT`` in a claiming transaction: leave out rows that another one has, have the others."""

    @property
    def hold(self) -> str:
        """Behind a ``SELECT`` in a claiming transaction: wait for rows that another one has, then have them."""

    def together(self) -> AbstractContextManager[None]:
        """Where one thread may use it: transactions in it are undone by themselves, and durable when it ends.

        Raises:
            StorageError, StorageFull: nothing that was done in it is.
        """

    def turn(self) -> AbstractContextManager[None]:
        """Of all who are in a turn, one is let in at a time; around a transaction, not in it."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """All rows of an answer."""

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""

    def write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The same statement for each of these."""

    def in_order(self, key: str) -> None:
        """From here to its end, of all transactions that say the same key only this one runs."""

    def forget_deleted(self) -> None:
        """What was deleted or overwritten is in none of the database's files when this returns, as far as it knows."""

    def close(self) -> None:
        """Let go of the database. A second call does nothing."""
