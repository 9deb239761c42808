from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES

_APPEND_FOREVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sampler.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    journal.append("sent", f"object-{number}", datetime(2026, 1, 1, tzinfo=UTC), {"pad": "x" * 3000})
    print(number, flush=True)
"""

_FILL_UP = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from sampler.errors import JournalError
from sampler.journal import Journal
journal = Journal(Path(sys.argv[1]))
now = datetime(2026, 1, 1, tzinfo=UTC)
journal.append("sent", "first", now, {})
size = (Path(sys.argv[1]) / "journal.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, resource.RLIM_INFINITY))
try:
    journal.append("sent", "second", now, {"pad": "x" * 4000})
except JournalError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append("sent", "third", now, {})
"""


@pytest.fixture
def appending(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that appends until it is killed, and prints what was acknowledged."""
    command = [sys.executable, "-c", _APPEND_FOREVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("acknowledged", [1, 7, 20])
def test_kill_9_loses_nothing_acknowledged(appending: subprocess.Popen[str], tmp_path: Path, acknowledged: int) -> None:
    """A process killed while it appends leaves every acknowledged entry, and a journal that opens and verifies."""
    assert appending.stdout is not None
    for _ in range(acknowledged):
        appending.stdout.readline()
    appending.send_signal(signal.SIGKILL)
    seen = acknowledged + len(appending.stdout.readlines())
    appending.wait()
    with Journal(tmp_path) as journal:
        assert journal.verify() == ()
        sent = [entry.event_id for entry in journal.entries() if entry.kind == "sent"]
    assert sent[:seen] == [f"object-{number}" for number in range(1, seen + 1)]


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    """An entry that does not fit raises, says what to do, leaves nothing of itself, and the next one is written."""
    done = subprocess.run(
        [sys.executable, "-c", _FILL_UP, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "free space on its disk" in done.stdout
    with Journal(tmp_path) as journal:
        assert [entry.event_id for entry in journal.entries()] == ["first", "third"]
        assert journal.verify() == ()


@pytest.mark.parametrize("torn", [b'{"number":7,"at"', b"\0" * 40 + b'"}\n', b"\0" * 512])
def test_a_torn_line_is_set_aside_and_noted(written: Path, torn: bytes, now: datetime) -> None:
    """A last line that a crash cut off or left as zeros is kept aside, noted, and appending goes on."""
    with (written / "journal.jsonl").open("ab") as file:
        file.write(torn)
    with Journal(written) as journal:
        journal.append("sent", "object-9", now, {})
        entries = list(journal.entries())
        assert journal.verify() == ()
    assert (written / "journal.torn-7").read_bytes() == torn
    assert [(entry.number, entry.kind) for entry in entries[6:]] == [(7, "repaired"), (8, "sent")]
    assert entries[6].document == {"kept": "journal.torn-7", "bytes": len(torn)}


def test_a_crash_during_the_repair_is_repaired(written: Path) -> None:
    """A torn line that was set aside but not yet cut off is set aside again."""
    (written / "journal.torn-7").write_bytes(b'{"num')
    with (written / "journal.jsonl").open("ab") as file:
        file.write(b'{"num')
    with Journal(written) as journal:
        assert [entry.kind for entry in journal.entries()][6:] == ["repaired"]


def test_an_acknowledged_line_is_never_taken_for_torn(written: Path) -> None:
    """Cutting into the last acknowledged entry is damage, and not repaired away."""
    file = written / "journal.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(JournalError, match="entries 6 to 6 are missing"):
        Journal(written)


def test_a_damaged_journal_does_not_open(written: Path) -> None:
    """Damage stops the writer with the place, and leaves the file as it is."""
    file = written / "journal.jsonl"
    damaged = file.read_bytes().replace(b'"n":2', b'"n":7')
    file.write_bytes(damaged)
    with pytest.raises(JournalError, match=r"nothing is sent: journal\.jsonl, line 3: changed"):
        Journal(written)
    assert file.read_bytes() == damaged


def test_two_writers_are_refused(written: Path, now: datetime) -> None:
    """A second agent cannot write the same journal; after the first one closes, it can."""
    with Journal(written), pytest.raises(JournalError, match="another agent writes it"):
        Journal(written)
    with Journal(written) as journal:
        journal.append("sent", "object-0", now, {})


def test_others_cannot_hold_the_lock(written: Path) -> None:
    """Whatever others may open, they may lock; the file that the agent locks is not among it."""
    with Journal(written):
        pass
    status = (written / "journal.lock").stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o600, os.geteuid())
    held = [os.open(written / name, os.O_RDONLY) for name in ("journal.jsonl", "journal.head", ".")]
    for descriptor in held:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    Journal(written).close()
    for descriptor in held:
        os.close(descriptor)


def test_a_failed_open_leaves_no_lock(written: Path) -> None:
    """A journal that was refused for damage can be opened as soon as the damage is gone."""
    file = written / "journal.jsonl"
    sound = file.read_bytes()
    file.write_bytes(sound[:-1])
    with pytest.raises(JournalError):
        Journal(written)
    file.write_bytes(sound)
    Journal(written).close()


def test_another_hand_in_the_file_is_seen(written: Path, now: datetime) -> None:
    """An agent that finds its journal grown or cut by somebody else notes nothing more in it."""
    with Journal(written) as journal:
        with (written / "journal.jsonl").open("ab") as file:
            file.write(b"x\n")
        with pytest.raises(JournalError, match="something else wrote"):
            journal.append("sent", "object-0", now, {})


def test_appending_goes_on_where_it_ended(written: Path, now: datetime) -> None:
    """The chain continues over restarts."""
    with Journal(written) as journal:
        journal.append("verdict", "object-0", now, {"conclusion": "benign"})
    entries = list(JournalReader(written).entries())
    assert [entry.number for entry in entries] == list(range(1, 8))
    assert entries[6].previous == entries[5].digest


def test_an_entry_over_the_ceiling_is_refused(written: Path, now: datetime) -> None:
    """An entry larger than any line that is read is not written."""
    with Journal(written) as journal:
        with pytest.raises(JournalError, match="not written"):
            journal.append("sent", "x", now, {"pad": "x" * JOURNAL_ENTRY_MAX_BYTES})
        assert journal.verify() == ()


def test_what_cannot_be_written_is_refused_by_name(written: Path, now: datetime) -> None:
    """A document that JSON cannot hold names its kind and writes nothing."""
    with Journal(written) as journal:
        with pytest.raises(JournalError, match="a sent entry cannot be written"):
            journal.append("sent", "x", now, {"a": "\ud800"})
        assert len(list(journal.entries())) == 6


def test_a_journal_is_not_opened_through_a_link(tmp_path: Path) -> None:
    """A link in the journal's place is refused, and what it points to stays as it is."""
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / "journal.jsonl").symlink_to(target)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(folder)


def test_a_disk_that_fails_stops_the_journal_until_a_restart(
    written: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an entry can neither be made durable nor be taken back, nothing more is noted before a new start."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal(written)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append("sent", "lost", now, {})
    with pytest.raises(JournalError, match="could not be taken back"):
        journal.append("sent", "next", now, {})
    journal.close()
    with Journal(written) as again:
        again.append("sent", "next", now, {})
        assert again.verify() == ()
