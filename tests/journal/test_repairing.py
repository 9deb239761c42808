from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader, repair


@pytest.fixture
def damaged(written: Path) -> Path:
    """Six entries, the third of them changed."""
    file = written / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"n":2', b'"n":7'))
    return written


def contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("journal*") if path.is_file() and path.suffix != ".lock"}


def test_damage_is_set_aside_and_said(damaged: Path, now: datetime) -> None:
    """Nothing is deleted; the new journal begins with what was sound last, and with what was set aside."""
    before = {name: (damaged / name).read_bytes() for name in ("journal.jsonl", "journal.head")}
    sound = JournalReader(damaged).survey().sound
    done = repair(damaged, now)
    assert done is not None
    assert {name: (done.folder / name).read_bytes() for name in before} == before
    assert (done.sound, done.faults) == (2, ("journal.jsonl, line 3: changed after it was written",))
    (entry,) = JournalReader(damaged).entries()
    assert (entry.number, entry.kind, entry.previous) == (3, "repaired", sound.digest)
    assert entry.document["sound_digest"] == sound.digest
    assert entry.document["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in before.items()}


def test_an_agent_goes_on_after_a_repair(damaged: Path, now: datetime) -> None:
    """It opens, appends and verifies, and its own damage is found again."""
    repair(damaged, now)
    with Journal(damaged) as journal:
        journal.append("sent", "x", now, {})
        assert journal.verify() == ()
        assert [entry.number for entry in journal.entries()] == [3, 4]
    file = damaged / "journal.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert JournalReader(damaged).verify() == ("the end: entries 4 to 4 are missing",)


def test_a_repair_cannot_be_made_up(damaged: Path, now: datetime) -> None:
    """The line that explains the beginning has to be the first, and to name what it continues."""
    repair(damaged, now)
    with Journal(damaged) as journal:
        journal.append("sent", "x", now, {})
    file = damaged / "journal.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[1])
    assert JournalReader(damaged).verify() == ("the beginning: entries 1 to 3 are missing",)


def test_a_sound_journal_is_left_alone(written: Path, now: datetime) -> None:
    """There is nothing to repair, a torn end included, which the agent sees to itself."""
    with (written / "journal.jsonl").open("ab") as file:
        file.write(b'{"num')
    before = contents(written)
    assert repair(written, now) is None
    assert contents(written) == before


def test_not_while_an_agent_runs(written: Path, now: datetime) -> None:
    """Whoever writes the journal keeps others from moving it away."""
    with Journal(written), pytest.raises(JournalError, match="stop that one first"):
        repair(written, now)


def test_killed_at_every_step(
    damaged: Path, now: datetime, killed_at: Callable[[int, Callable[[], object]], bool]
) -> None:
    """No agent writes between the steps of a repair; run again, it is finished, and nothing is lost."""
    before = contents(damaged)
    steps = 0
    while killed_at(steps + 1, lambda: repair(damaged, now)):
        steps += 1
        assert contents(damaged) >= before
        done = list(damaged.glob("damaged-*/journal.jsonl")) and not (damaged / "journal.repairing").exists()
        with contextlib.nullcontext() if done else pytest.raises(JournalError, match="repair"):
            Journal(damaged).close()
    assert steps >= 8
    assert contents(damaged) >= before
    with Journal(damaged) as journal:
        assert [entry.kind for entry in journal.entries()] == ["repaired"]
        assert journal.verify() == ()


def test_a_lost_beginning_is_repaired_too(written: Path, now: datetime) -> None:
    """Where no entry is sound, the new journal begins with the first."""
    (written / "journal.jsonl").write_bytes(b"")
    assert repair(written, now) is not None
    (entry,) = JournalReader(written).entries()
    assert entry.number == 1
    assert JournalReader(written).verify() == ()


def test_what_root_repairs_is_the_agents(damaged: Path, now: datetime) -> None:
    """The new files belong to whom the folder belongs, so that an agent that is not root can go on."""
    if os.geteuid() == 0:
        for path in (damaged, *damaged.iterdir()):
            os.chown(path, 12345, 12345)
        (damaged / "journal.lock").unlink()  # as with a journal of an older version
    done = repair(damaged, now)
    assert done is not None
    made = [done.folder, *(damaged / name for name in ("journal.jsonl", "journal.head", "journal.lock"))]
    assert {path.stat().st_uid for path in made} == {damaged.stat().st_uid}
