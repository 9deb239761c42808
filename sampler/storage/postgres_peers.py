"""The other servers of one PostgreSQL database: rung by NOTIFY, and taking turns by advisory locks.

A lock belongs to a session and ends with it, so what a server held is free when the server is gone. Rings and locks
have sessions of their own, apart from the ledger's: NOTIFY makes transactions that use it commit one after another,
and a lock is held for longer than any transaction. Invariant: nothing is lost when a ring is; whoever listens is told
when that may have happened.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Final

import psycopg
import structlog

from sampler.errors import StorageError
from sampler.queue import HEARD_NOT
from sampler.storage.postgres_sessions import Session, Sessions, our_errors

log = structlog.get_logger()

Heard = Callable[[Collection[str] | None], None]

_CHANNEL: Final = "sampler"
_PAYLOAD_MAX_BYTES: Final = 7900
"""PostgreSQL takes 7,999."""
_WAIT_SECONDS: Final = 1.0
"""How long the listener waits before it looks whether it should end."""
_REST_SECONDS: Final = 1.0
"""Between two attempts to reach the database again."""


class PostgresPeers:
    """``queue.Peers`` over the ledger's database."""

    shared = True

    def __init__(self, url: str) -> None:
        """Opens nothing yet.

        Raises:
            SettingsError: it is no URL of a PostgreSQL database.
        """
        self._sessions = Sessions(url)
        self._name = secrets.token_hex(8)
        """Tells this process's rings from those of others."""
        self._session: Session | None = None
        self._held: set[str] = set()
        self._ending = threading.Event()
        self._closed = False
        self._listener: threading.Thread | None = None

    def ring(self, keys: Collection[str]) -> None:
        """Ring these keys in the other processes.

        Raises:
            StorageError: the database does not answer.
        """
        session = self._own()
        with our_errors(session):
            for payload in _payloads(self._name, sorted(keys)):
                session.execute("SELECT pg_notify($1, $2)", (_CHANNEL, payload))

    def listen(self, heard: Heard) -> None:
        """Tell ``heard`` what the others ring, on a thread of its own, until ``close``."""
        self._listener = threading.Thread(target=self._keep_listening, args=(heard,), name="queue-listener")
        self._listener.start()

    def try_hold(self, key: str) -> bool:
        """Whether this process holds the key now.

        Raises:
            StorageError: the database does not answer.
        """
        session = self._own()
        with our_errors(session):
            row = session.execute("SELECT pg_try_advisory_lock(hashtextextended($1, 1)) AS mine", (key,)).fetchone()
        assert row is not None  # a call answers one row
        if row["mine"]:
            self._held.add(key)
        return bool(row["mine"])

    def let_go(self, key: str) -> None:
        """Others may hold the key."""
        if key not in self._held:
            return
        self._held.discard(key)
        session = self._own()
        with our_errors(session):
            session.execute("SELECT pg_advisory_unlock(hashtextextended($1, 1))", (key,))

    def close(self) -> None:
        """End the listener and the sessions. A second call does nothing."""
        self._ending.set()
        if self._listener is not None:
            with contextlib.suppress(StorageError):
                self.ring(())  # the listener hears it as well, and looks whether it should end
            self._listener.join()
        self._closed = True
        if self._session is not None:
            self._session.close()

    def _own(self) -> Session:
        """The session that holds the locks; when it broke, a new one that tries to have them again."""
        if self._session is None or self._session.closed:
            if self._closed:
                raise StorageError("this server has ended; nobody else is told anything")
            self._session = self._sessions.opened()
            held, self._held = self._held, set()
            lost = [key for key in sorted(held) if not self.try_hold(key)]
            if lost:
                log.warning("another server took over what this one held while it was cut off", keys=lost)
        return self._session

    def _keep_listening(self, heard: Heard) -> None:
        while not self._ending.is_set():
            try:
                self._listen_once(heard)
            except (psycopg.Error, StorageError) as error:
                log.warning("other servers are not heard; waiting servers look by themselves", error=str(error).strip())
                self._ending.wait(_REST_SECONDS)

    def _listen_once(self, heard: Heard) -> None:
        with self._sessions.opened() as session:
            session.execute(f"LISTEN {_CHANNEL}".encode())
            heard(HEARD_NOT)
            while not self._ending.is_set():
                for notify in session.notifies(timeout=_WAIT_SECONDS, stop_after=1):
                    name, *keys = notify.payload.split("\n")
                    if name != self._name:
                        heard(keys)


def _payloads(name: str, keys: Collection[str]) -> Iterator[str]:
    """As few as hold all keys; a key is short and has no line break."""
    lines, size = [name], len(name)
    for key in keys:
        if size + 1 + len(key.encode()) > _PAYLOAD_MAX_BYTES:
            yield "\n".join(lines)
            lines, size = [name], len(name)
        lines.append(key)
        size += 1 + len(key.encode())
    yield "\n".join(lines)
