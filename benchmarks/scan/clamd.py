"""A clamd of the bench's own: its socket, configuration and rules lie in the bench's folder, and it fetches nothing."""

from __future__ import annotations

import array
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from benchmarks.scan.peers import PeerError, PeerMissing
from benchmarks.scan.rule_sets import RuleSet

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
ANSWER_MAX_BYTES: Final = 4096
_NEEDS: Final = "clamd and clamdscan are compared with: apt-get install clamav-daemon clamdscan"
_LOADED: Final = re.compile(r"Loaded (\d+) signatures")


class Clamd:
    """A clamd that answers."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "clamd.conf"
        self.socket = folder / "clamd.sock"
        self.log = folder / "clamd.log"

    @property
    def rules_loaded(self) -> int:
        """How many of the rules its own YARA took; it knows no modules."""
        loaded = _LOADED.search(self.log.read_text("utf-8", "replace"))
        return int(loaded[1]) if loaded else 0

    def ask(self, command: bytes, descriptor: int | None = None) -> bytes:
        """One command on a connection of its own, as clamdscan does; ``descriptor`` goes with FILDES."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self.socket))
            connection.sendall(b"z" + command + b"\0")
            if descriptor is not None:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
                connection.sendmsg([b"\0"], [rights])
            return connection.recv(ANSWER_MAX_BYTES).rstrip(b"\0")

    def scan(self, file: Path) -> bytes:
        """Have an open file scanned, as ``clamdscan --fdpass`` does."""
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self.ask(b"FILDES", descriptor)
        finally:
            os.close(descriptor)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self.ask(b"PING") == b"PONG"
        except OSError:
            return False


@contextmanager
def running(bench: Path, rules: RuleSet) -> Iterator[Clamd]:
    """A clamd with these rules, until the block ends.

    Raises:
        PeerMissing: it is not installed.
        PeerError: it does not start.
    """
    program = _program("clamd")
    _program("clamdscan")
    folder = bench / "clamd"
    shutil.rmtree(folder, ignore_errors=True)
    _set_up(folder, rules)
    clamd = Clamd(folder)
    with (folder / "clamd.out").open("wb") as output:
        process = subprocess.Popen((program, "--config-file", clamd.config), stdout=output, stderr=output)
    try:
        _wait_until_up(clamd, process)
        yield clamd
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise PeerMissing(_NEEDS)
    return found


def _set_up(folder: Path, rules: RuleSet) -> None:
    database = folder / "database"
    database.mkdir(parents=True)
    for number, text in enumerate(rules.sources.values()):
        (database / f"{number:03}.yar").write_text(text, "utf-8")
    settings = {
        "LocalSocket": folder / "clamd.sock",
        "DatabaseDirectory": database,
        "LogFile": folder / "clamd.log",
        "Foreground": "yes",
        "MaxThreads": "2",
        "LogSyslog": "no",
    }
    (folder / "clamd.conf").write_text("".join(f"{key} {value}\n" for key, value in settings.items()), "utf-8")


def _wait_until_up(clamd: Clamd, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + START_SECONDS
    while not clamd.answers():
        if process.poll() is not None or monotonic() > deadline:
            said = clamd.log.with_suffix(".out").read_text("utf-8", "replace")[-2000:]
            raise PeerError(f"clamd did not start:\n{said}")
        sleep(0.05)
