from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader
from sampler.journal.lines import write_line

Lines = list[bytes]


def _flip(lines: Lines) -> Lines:
    return [*lines[:2], lines[2].replace(b'"n":2', b'"n":7'), *lines[3:]]


def _remove(lines: Lines) -> Lines:
    return lines[:2] + lines[3:]


def _remove_first(lines: Lines) -> Lines:
    return lines[1:]


def _remove_end(lines: Lines) -> Lines:
    return lines[:-2]


def _reorder(lines: Lines) -> Lines:
    return [lines[1], lines[0], *lines[2:]]


def _repeat(lines: Lines) -> Lines:
    return [*lines[:3], lines[2], *lines[3:]]


def _replace(lines: Lines) -> Lines:
    """An entry forged with a right digest of its own, in the place of the third."""
    at = datetime.fromisoformat("2026-11-24T12:00:02+00:00")
    forged, _ = write_line(3, at, "sent", "object-0", {"manifest": {"n": 99}}, previous=_previous(lines[2]))
    return [*lines[:2], forged, *lines[3:]]


def _replace_last(lines: Lines) -> Lines:
    """The same for the last entry, which no later line vouches for."""
    at = datetime.fromisoformat("2026-11-24T12:00:05+00:00")
    forged, _ = write_line(6, at, "sent", "object-1", {}, previous=_previous(lines[5]))
    return [*lines[:5], forged]


def _tear(lines: Lines) -> Lines:
    return [*lines[:-1], lines[-1][:-9]]


def _garbage(lines: Lines) -> Lines:
    return [*lines[:3], b"\xff\xfe not json\n", *lines[3:]]


def _empty(lines: Lines) -> Lines:
    return []


def _previous(line: bytes) -> str:
    return line.partition(b'"previous":"')[2][:64].decode()


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (_flip, "line 3"),
        (_remove, "line 3"),
        (_remove_first, "the beginning"),
        (_remove_end, "the end"),
        (_reorder, "the beginning"),
        (_repeat, "line 4"),
        (_replace, "line 4"),
        (_replace_last, "line 6"),
        (_tear, "the end: entries 6 to 6 are missing; journal.jsonl, line 6: cut off"),
        (_garbage, "line 4"),
        (_empty, "the end"),
    ],
)
def test_damage_is_found_and_placed(written: Path, damage: Callable[[Lines], Lines], place: str) -> None:
    """Flipped, removed, reordered, repeated, replaced, torn and foreign lines are each named."""
    file = written / "journal.jsonl"
    file.write_bytes(b"".join(damage(file.read_bytes().splitlines(keepends=True))))
    faults = JournalReader(written).verify()
    assert faults
    assert faults[0].removeprefix("journal.jsonl, ").startswith(place)


def test_a_sound_journal_has_no_fault(written: Path) -> None:
    """What was written by appending verifies."""
    assert JournalReader(written).verify() == ()


def test_an_absent_journal_is_empty(tmp_path: Path) -> None:
    """Before anything was noted there is nothing to read and nothing wrong."""
    reader = JournalReader(tmp_path)
    assert (list(reader.entries()), reader.verify()) == ([], ())


def test_entries_of_one_object(written: Path) -> None:
    """Entries can be read of one object alone, oldest first."""
    entries = list(JournalReader(written).entries("object-1"))
    assert [entry.number for entry in entries] == [2, 4, 6]


def test_entries_that_name_something(written: Path) -> None:
    """Besides what is wanted, whatever has the bytes in its line, whichever object it is about."""
    found = JournalReader(written).entries(wanted=lambda kind, about, at: about == "object-0", naming=b'"n":3')
    assert [(entry.event_id, entry.document["manifest"]["n"]) for entry in found] == [
        ("object-0", 0), ("object-0", 2), ("object-1", 3), ("object-0", 4),
    ]  # fmt: skip


def test_a_line_being_written_is_not_an_entry_yet(written: Path) -> None:
    """Reading while another line is on its way shows the whole ones."""
    with (written / "journal.jsonl").open("ab") as file:
        file.write(b'{"number":7,')
    assert [entry.number for entry in JournalReader(written).entries()] == [1, 2, 3, 4, 5, 6]


def test_reading_a_changed_line_is_an_error(written: Path) -> None:
    """A changed entry is not shown as if it were one; the error says how to look closer."""
    file = written / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"n":2', b'"n":7'))
    with pytest.raises(JournalError, match=r"line 3: changed .* sampler history verify"):
        list(JournalReader(written).entries())


def test_a_damaged_note_of_the_end_is_found(written: Path) -> None:
    """The note of where the chain ends is itself held to its form."""
    (written / "journal.head").write_bytes(b"6 \n")
    assert JournalReader(written).verify() == ("journal.head: damaged",)


def test_a_note_that_lags_is_not_a_fault(written: Path) -> None:
    """A crash between a line and the note of it leaves a sound journal."""
    note = (written / "journal.head").read_bytes()
    with Journal(written) as journal:
        journal.append("delivered", "object-0", datetime.fromisoformat("2026-11-24T13:00:00+00:00"), {})
    (written / "journal.head").write_bytes(note)
    assert JournalReader(written).verify() == ()


def test_no_more_faults_than_anyone_reads(written: Path) -> None:
    """A journal overwritten with other bytes gives a bounded list."""
    (written / "journal.jsonl").write_bytes(b"x\n" * 5000)
    assert len(JournalReader(written).verify()) == 100


def test_every_user_may_read(written: Path) -> None:
    """Journal and note are readable by all, and nobody but the agent can hold the lock."""
    assert {file.name: file.stat().st_mode & 0o777 for file in written.iterdir()} == {
        "journal.jsonl": 0o644,
        "journal.head": 0o644,
        "journal.lock": 0o600,
    }


def test_newest_first(months: Path) -> None:
    """The same entries from the end on, over all files."""
    reader = JournalReader(months)
    oldest_first = list(reader.entries())
    assert list(reader.entries(newest_first=True)) == oldest_first[::-1]
    assert list(reader.entries("object-3", newest_first=True)) == [oldest_first[3]]


def test_only_what_is_wanted_is_decoded(months: Path) -> None:
    """A question by kind, object and time is answered without looking into the documents."""
    since = datetime.fromisoformat("2026-04-01T00:00:00+00:00")
    entries = JournalReader(months).entries(wanted=lambda kind, event_id, at: kind == "sent" and at >= since)
    assert [entry.document for entry in entries] == [{"week": 13}, {"week": 14}, {"week": 15}]


def test_lines_are_as_they_were_written(months: Path) -> None:
    """What is exported is what stands in the files, byte for byte."""
    files = sorted(months.glob("*.jsonl"))
    assert b"".join(JournalReader(months).lines()) == b"".join(file.read_bytes() for file in files)


def test_verifying_while_an_agent_writes_closes_and_removes(tmp_path: Path) -> None:
    """A reader that takes no lock finds no fault in a journal that changes under it."""
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    stop = threading.Event()

    def write() -> None:
        with Journal(tmp_path, segment_max_bytes=2000) as journal:
            number = 0
            while not stop.is_set():
                number += 1
                at = start + timedelta(hours=number)
                journal.append("sent", "x", at, {"pad": "x" * 100})
                if number % 20 == 0:
                    journal.tend(at, timedelta(days=5))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reader = JournalReader(tmp_path)
        while not (seen := reader.survey()).pruned_to:
            assert seen.faults == ()
        assert [reader.verify() for _ in range(50)] == [()] * 50
        assert all(entry.kind in {"sent", "pruned"} for entry in reader.entries())
    finally:
        stop.set()
        writer.join()
