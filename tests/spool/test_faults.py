"""A full spool whose process is killed, and one on a full disk: every object that was acknowledged is accounted for."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import SpoolError
from sampler.model import ObjectState
from sampler.spool import Ended, Spool, Worth

_EVICTING = """
import random

book = os.open(folder / "book", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def note(end):
    os.write(book, f"{end.event_id} {end.why}\\n".encode())
    os.fsync(book)

spool.close()
ledger = SqliteSpoolLedger(folder / "ledger.sqlite")
spool = Spool(folder / "spool", ledger, keys, max_bytes=60_000, reserve_bytes=0, on_ended=note)
spool.upkeep.tell()
dice = random.Random(int(sys.argv[2]))
for number in itertools.count(int(sys.argv[2])):
    worth = Worth(dice.choice(["one", "two"]), dice.randrange(101))
    with contextlib.suppress(SpoolFull):
        put(str(number), b"%d" % number * dice.randrange(1, 3000), worth, spool)
        print("put", number, flush=True)
"""


def _kept_whole(spool: Spool, now: datetime) -> set[str]:
    """What waits; each of its contents has the bytes that it is named by."""
    waiting = spool.pending(now, 100_000)
    for content in {content for each in waiting for content in each.contents}:
        with spool.open_content(content.sha256) as file:
            assert hashlib.sha256(file.read()).hexdigest() == content.sha256
    return {each.event_id for each in waiting}


def test_killed_while_it_evicts(
    tmp_path: Path, open_spool: Callable[..., Spool], folder: Path, now: datetime, program: str
) -> None:
    """However often it is killed: what was acknowledged waits whole, or was evicted and is in the book of the owner."""
    put: set[str] = set()
    for turn in range(5):
        command = [sys.executable, "-c", "import contextlib\n" + program + _EVICTING, str(tmp_path), str(turn * 10_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(25 + turn)]
            process.kill()
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        put.update(line.split()[1] for line in lines if line.startswith("put "))
    late: list[Ended] = []
    spool = open_spool(max_bytes=60_000, on_ended=late.append)
    spool.upkeep.tell()
    spool.sweep()
    written = {line.split()[0] for line in (tmp_path / "book").read_text().splitlines()}
    evicted = written | {end.event_id for end in late}
    waiting = _kept_whole(spool, now)
    assert len(put) > 60
    assert len(evicted) > 20
    assert put <= waiting | evicted
    assert not waiting & evicted
    for event_id in evicted:
        record = spool.get(event_id)
        assert record is not None
        assert record.state is ObjectState.EVICTED
    assert spool.used_bytes() <= 60_000
    needed = {content.sha256 for each in spool.pending(now, 100_000) for content in each.contents}
    assert needed == {path.stem for path in (folder / "contents").glob("*/*")}


_FILLING = """
for number in range(200):
    try:
        put(str(number), os.urandom(20_000), Worth("rule", 10))
    except SpoolFull:
        break
with open(folder / "filler", "wb", 0) as filler:
    try:
        while True:
            filler.write(b"f" * 512)
    except OSError:
        pass
spool._room._quota = type(spool._room._quota)(20_000 * number, 0)
for number in range(1000, 1010):
    try:
        put(str(number), os.urandom(40_000), Worth("other", 100))
        print("put", number)
    except SpoolFull as error:
        print("full", number, error)
print(*(f"{state}={count}" for state, count in sorted(spool.counts().items())))
print("kept", sum(1 for each in spool.pending(NOW, 1000) for content in each.contents
                  if len(spool.open_content(content.sha256).read()) == content.size))
"""


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A disk of 2 MiB at ``folder``; ``False`` where this user may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def test_evicting_on_a_full_disk(tmp_path: Path, program: str) -> None:
    """With not a byte free, what is worth less still makes room, by the room that was held back for that."""
    with _small_disk(tmp_path / "disk") as mounted:
        filling = _FILLING if mounted else _FILLING.replace("while True:", "while False:")
        command = [sys.executable, "-c", program + filling, str(tmp_path / "disk")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = dict(pair.split("=") for pair in done.stdout.splitlines()[-2].split())
    taken, waiting = done.stdout.count("put "), int(counts["spooled"])
    assert taken > 0
    assert int(counts["evicted"]) >= 2 * taken
    assert done.stdout.splitlines()[-1] == f"kept {waiting}"


class Failing:
    """Stands before calls of the system: the one whose turn it is fails, all others are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, turn: int, error: int) -> None:
        self.calls = 0
        self.turn = turn
        self.error = error
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir")):
            monkeypatch.setattr(owner, name, self._counting(getattr(owner, name)))

    def _counting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*values: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.turn:
                raise OSError(self.error, os.strerror(self.error))
            return call(*values, **options)

        return counted


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("turn", range(1, 8))
def test_a_call_of_the_system_that_fails(
    open_spool: Callable[..., Spool], thing: Any, files: Any, now: datetime, turn: int, error: int
) -> None:
    """Whichever call fails while one object drives out another: after a restart both are whole, or gone by name."""
    told: list[Ended] = []
    spool = open_spool(max_bytes=100_000, on_ended=told.append)
    low = thing(os.urandom(70_000))
    low.put_into(spool, Worth("rule", 10))
    newcomer = thing(os.urandom(70_000))
    acknowledged = False
    with pytest.MonkeyPatch.context() as patched:
        failing = Failing(patched, turn, error)
        with contextlib.suppress(SpoolError):
            newcomer.put_into(spool, Worth("rule", 90))
            acknowledged = True
    assert acknowledged or failing.calls >= turn
    spool.close()
    again = open_spool(max_bytes=100_000, on_ended=told.append)
    again.upkeep.tell()
    again.sweep()
    waiting = _kept_whole(again, now)
    assert not acknowledged or newcomer.event_id in waiting
    assert (low.event_id in waiting) != ([end.event_id for end in told] == [low.event_id])
    assert (again.get(newcomer.event_id) is not None) == (newcomer.event_id in waiting)
    assert len(files()) == len(waiting)
