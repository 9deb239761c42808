from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader

NOVEMBER = datetime(2026, 11, 30, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jsonl"))


def test_a_new_month_begins_a_new_file(written: Path) -> None:
    """What was written by an older version as one file is closed as it is, and the chain goes on in the next."""
    before = (written / "journal.jsonl").read_bytes()
    with Journal(written) as journal:
        journal.append("sent", "x", NOVEMBER, {})
        journal.append("sent", "x", DECEMBER, {})
        journal.append("sent", "x", NOVEMBER, {})
        assert journal.verify() == ()
    closed = written / "journal-000000000001.jsonl"
    assert names(written) == [closed.name, "journal.jsonl"]
    assert closed.read_bytes().startswith(before)
    assert [entry.number for entry in JournalReader(written).entries()] == list(range(1, 10))


def test_a_closed_file_is_read_only_and_for_all(written: Path) -> None:
    """Nobody may write a closed segment, everybody may read it."""
    with Journal(written) as journal:
        journal.append("sent", "x", DECEMBER, {})
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in written.glob("*.jsonl")}
    assert modes == {"journal-000000000001.jsonl": 0o444, "journal.jsonl": 0o644}


def test_a_full_file_begins_a_new_one(tmp_path: Path, now: datetime) -> None:
    """Files stay near their ceiling, over restarts as well."""
    for _ in range(3):
        with Journal(tmp_path, segment_max_bytes=1000) as journal:
            for _ in range(10):
                journal.append("sent", "x", now, {"pad": "x" * 200})
    sizes = [path.stat().st_size for path in tmp_path.glob("*.jsonl")]
    assert len(sizes) > 5
    assert max(sizes) < 1000 + 600
    assert JournalReader(tmp_path).verify() == ()
    assert [entry.number for entry in JournalReader(tmp_path).entries()] == list(range(1, 31))


def test_killed_at_every_step_of_going_over_to_the_next_file(
    written: Path, killed_at: Callable[[int, Callable[[], object]], bool]
) -> None:
    """Wherever it is killed, nothing acknowledged is lost and the next start goes on."""
    sound = JournalReader(written).survey().last.number

    def act() -> None:
        with Journal(written, segment_max_bytes=1) as journal:
            journal.append("sent", "x", NOVEMBER, {})

    steps = 0
    while killed_at(steps + 1, act):
        steps += 1
        assert JournalReader(written).verify() == ()
        with Journal(written) as journal:
            assert journal.verify() == ()
    assert steps >= 8
    entries = list(JournalReader(written).entries())
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) > sound
    assert not (written / ".journal.next").exists()


def test_no_room_for_another_file_goes_on_in_this_one(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has no room for a new file takes entries as long as it has room for them."""
    opened = os.open

    def refusing(path: Path, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith(".journal.next"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, flags, mode)

    with Journal(written) as journal:
        monkeypatch.setattr(os, "open", refusing)
        journal.append("sent", "x", DECEMBER, {})
        assert names(written) == ["journal.jsonl"]
        monkeypatch.undo()
        journal.append("sent", "x", datetime(2027, 1, 1, tzinfo=UTC), {})
        assert len(names(written)) == 2
        assert journal.verify() == ()


def test_a_disk_that_fails_between_two_files_stops_the_journal(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename that fails stops sending until a new start, which finds a sound journal."""

    def fail(*arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Journal(written) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", fail)
            with pytest.raises(JournalError, match="could not be begun"):
                journal.append("sent", "x", DECEMBER, {})
        with pytest.raises(JournalError, match="start the agent anew"):
            journal.append("sent", "x", DECEMBER, {})
    with Journal(written) as journal:
        journal.append("sent", "x", DECEMBER, {})
        assert journal.verify() == ()
        assert len(list(journal.entries())) == 7
