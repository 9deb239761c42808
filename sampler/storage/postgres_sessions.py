"""Sessions of one PostgreSQL database: how each is opened, and how what goes wrong in one becomes ours.

A session commits each statement by itself unless a transaction is open, and every transaction is ``SERIALIZABLE``: what
is read and written under one happens as if nobody else were there, or not at all. This module knows no table. It is,
beside ``postgres_peers``, the only one that imports ``psycopg``, which ships as an extra.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper

from sampler.errors import Conflict, Contended, SamplerError, SettingsError, StorageError, StorageFull

_DEFAULTS: Final[Mapping[str, str | int]] = {
    "application_name": "sampler",
    "connect_timeout": 10,
    "target_session_attrs": "read-write",  # of several hosts in a URL, the one that takes writes
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_SETTINGS: Final[Mapping[str, str]] = {
    "default_transaction_isolation": "serializable",
    "synchronous_commit": "on",
    "enable_seqscan": "off",  # a transaction that reads a whole table meets everybody who writes to it
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_user_timeout": "60000",
}
_CONTENDED: Final = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
_FULL: Final = (errors.DiskFull, errors.OutOfMemory, errors.ProgramLimitExceeded)
_PLAIN: Final = frozenset({int, bytes, float, type(None)})


class NamedRow:
    """One row: a value by its column's name, or by its place."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: Sequence[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, column: str | int, /) -> Any:
        return self._values[self._places[column] if isinstance(column, str) else column]


Session = psycopg.Connection[NamedRow]


class Sessions:
    """A session for each thread that asks for one; a session that broke is replaced."""

    def __init__(self, url: str) -> None:
        """Opens none yet.

        Raises:
            SettingsError: it is no URL of a PostgreSQL database.
        """
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise SettingsError(f"the ledger's URL: {str(error).strip()}; write postgresql://HOST/DATABASE") from error
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        values: dict[str, Any] = {**_DEFAULTS, **given, "options": f"{given.get('options') or ''} {options}".strip()}
        self._info = make_conninfo(**values)
        self.name = f"postgresql://{given.get('host', '')}/{given.get('dbname', '')}"
        """The database without user and password, for people."""
        self._local = threading.local()
        self._opened: set[Session] = set()
        self._lock = threading.Lock()
        self._closed = False

    def mine(self) -> Session:
        """This thread's session.

        Raises:
            StorageError: the database does not answer.
        """
        session: Session | None = getattr(self._local, "session", None)
        if session is None or session.closed:
            with self._lock:
                if self._closed:
                    raise StorageError(f"{self.name}: was closed; nothing more is asked of it")
                session = self.opened()
                self._opened = {each for each in self._opened if not each.closed} | {session}
            self._local.session = session
        return session

    def opened(self) -> Session:
        """A session of the caller's own, which the caller closes.

        Raises:
            StorageError: the database does not answer.
        """
        try:
            session = psycopg.Connection.connect(
                self._info, autocommit=True, cursor_factory=psycopg.RawCursor, row_factory=_named
            )
        except psycopg.Error as error:
            raise StorageError(f"{self.name}: cannot be reached: {str(error).strip()}") from error
        session.adapters.register_dumper(int, Int8Dumper)
        return session

    def close(self) -> None:
        """Close every thread's session. A second call does nothing."""
        with self._lock:
            self._closed = True
            for session in self._opened:
                session.close()
            self._opened = set()


@contextlib.contextmanager
def our_errors(session: Session, *, undone: bool = False) -> Iterator[None]:
    """Turn what PostgreSQL says into ours; ``undone`` says that what a broken session did is not there.

    Raises:
        Contended: somebody else changed the same meanwhile, or the session broke and nothing was done.
        Conflict: it is there already, or what it belongs to is not.
        StorageFull: the server has no room.
        StorageError: it failed in another way.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _converted(error, again=undone and session.broken) from error


def values_of(values: Sequence[Any]) -> list[Any]:
    """Values as PostgreSQL takes them: it has no text with a NUL in it, and keeps truths as numbers here."""
    return [value if type(value) in _PLAIN else _plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, bool):
        return int(value)
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _converted(error: psycopg.Error, *, again: bool) -> SamplerError:
    said = str(error).strip().partition("\n")[0]
    if again or isinstance(error, _CONTENDED):
        return Contended(f"the ledger: {said}")
    if isinstance(error, _FULL):
        return StorageFull(f"the ledger has no room ({said}); nothing that was acknowledged is lost")
    if isinstance(error, psycopg.IntegrityError):
        return Conflict(f"the ledger has it already, or lacks what it belongs to: {said}")
    return StorageError(f"the ledger failed: {said}")


def _named(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], NamedRow]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: NamedRow(places, values)
