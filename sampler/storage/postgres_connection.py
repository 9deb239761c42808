"""One PostgreSQL database as a ``Connection`` of the queue's ledger: from any number of threads, and of processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from sampler.errors import Contended, StorageError
from sampler.storage.postgres_migration import migrate
from sampler.storage.postgres_sessions import NamedRow, Session, Sessions, our_errors, values_of
from sampler.storage.postgres_sql import translated

T = TypeVar("T")

_TURN: Final = 6
"""The advisory lock that a turn is."""
_ATTEMPTS: Final = 5
"""How often a statement outside of a transaction is tried while others change the same."""


class PostgresConnection:
    """``connections.Connection`` over PostgreSQL; each thread has a session of its own."""

    at_once = 4

    def __init__(self, url: str, schema_steps: Sequence[str]) -> None:
        """Open it and bring it to the present schema.

        Raises:
            SettingsError: it is no URL of a PostgreSQL database.
            StorageError: the database does not answer, or was written by a newer version.
        """
        self.sessions = Sessions(url)
        self._thread = threading.local()
        try:
            migrate(self.sessions.mine(), schema_steps, name=self.sessions.name)
        except BaseException:
            self.sessions.close()
            raise

    def transaction(self) -> AbstractContextManager[None]:
        """``BEGIN`` … ``COMMIT``, serializable.

        Raises:
            Contended: somebody else changed the same meanwhile, or the session broke before its end.
            StorageError: it broke at its end, and whether it is done is not known.
        """
        return self._transaction("BEGIN")

    @contextlib.contextmanager
    def claiming(self) -> Iterator[None]:
        """``READ COMMITTED``, and rows are locked as they are read: whoever comes next sees them as they are left.

        Raises:
            Contended: it met another one, or the session broke before its end.
            StorageError: it broke at its end, and whether it is done is not known.
        """
        self._thread.claiming = True
        try:
            with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED"):
                yield
        finally:
            self._thread.claiming = False

    @property
    def claim(self) -> str:
        """Behind a ``SELECT`` in a claiming transaction: leave out rows that another one has, have the others."""
        return " FOR UPDATE SKIP LOCKED" if getattr(self._thread, "claiming", False) else ""

    @property
    def hold(self) -> str:
        """Behind a ``SELECT`` in a claiming transaction: wait for rows that another one has, then have them."""
        return " FOR UPDATE" if getattr(self._thread, "claiming", False) else ""

    def together(self) -> contextlib.AbstractContextManager[None]:
        """It has threads enough to commit at the same time, and does that together by itself."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """The turn ends with the session, should it break."""
        self.rows("SELECT pg_advisory_lock(?)", (_TURN,))
        try:
            yield
        finally:
            with contextlib.suppress(StorageError):
                self.rows("SELECT pg_advisory_unlock(?)", (_TURN,))

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        session = self._begun(begin)
        self._thread.inside = True
        try:
            yield
        except BaseException:
            _rollback(session)
            raise
        else:
            with our_errors(session):
                session.execute("COMMIT")
        finally:
            self._thread.inside = False

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[NamedRow]:
        """All rows of an answer."""
        return self._run(lambda session: session.execute(translated(sql), values_of(values)).fetchall())

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""
        return self._run(lambda session: session.execute(translated(sql), values_of(values)).rowcount)

    def write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The same statement for each of these, in one exchange."""
        if rows:
            self._run(lambda session: session.cursor().executemany(translated(sql), list(map(values_of, rows))))

    def in_order(self, key: str) -> None:
        """Until this transaction has ended, whoever says the same key waits."""
        self.rows("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (key,))

    def forget_deleted(self) -> None:
        """Its files are the server's: autovacuum frees what was deleted, and its write-ahead log is cut in its time."""

    def close(self) -> None:
        """Let go of the database. A second call does nothing."""
        self.sessions.close()

    def _run(self, work: Callable[[Session], T]) -> T:
        if getattr(self._thread, "inside", False):
            session = self.sessions.mine()
            with our_errors(session, undone=True):
                return work(session)
        return _persistently(lambda: self._alone(work))

    def _alone(self, work: Callable[[Session], T]) -> T:
        session = self.sessions.mine()
        with our_errors(session):
            return work(session)

    def _begun(self, begin: str) -> Session:
        """A session in a transaction; one that broke while nobody used it is replaced."""

        def run() -> Session:
            session = self.sessions.mine()
            with our_errors(session, undone=True):
                session.execute(begin.encode())
            return session

        return _persistently(run)


def _persistently(work: Callable[[], T]) -> T:
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(Contended):
            return work()
    return work()


def _rollback(session: Session) -> None:
    """A session that cannot even do this is closed, which undoes as much."""
    try:
        with our_errors(session):
            session.execute("ROLLBACK")
    except StorageError:
        session.close()
