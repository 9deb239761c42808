"""A start trusts what an earlier one verified and nobody touched since; checking all of it trusts nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader
from sampler.journal.checkpoints import stamps_of

APRIL = datetime(2026, 4, 18, tzinfo=UTC)
FIRST, SECOND = "journal-000000000001.jsonl", "journal-000000000006.jsonl"
NOTE = "journal.checked"


def note_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / NOTE).read_bytes())
    return found


def change(folder: Path, name: str) -> None:
    """One byte of a closed file."""
    path = folder / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"week":2', b'"week":8', 1).replace(b'"week":7', b'"week":1', 1))


def hide(folder: Path) -> None:
    """What somebody who may write the note does: the changed files are what was verified."""
    note, stamps = note_of(folder), stamps_of(folder)
    for each in note["files"]:
        each["stamp"] = stamps[each["file"]]
    (folder / NOTE).write_text(json.dumps(note))


@pytest.fixture
def verified(months: Path) -> Path:
    """A journal of three closed files and the written one, which a start has verified."""
    Journal(months).close()
    return months


def test_the_closed_files_are_noted(verified: Path) -> None:
    """With their first and last entries; the written one is not among them."""
    files = note_of(verified)["files"]
    assert [each["file"] for each in files] == [FIRST, SECOND, "journal-000000000010.jsonl"]
    assert [(each["first"], each["last"]["number"]) for each in files] == [(1, 5), (6, 9), (10, 13)]


def test_what_was_verified_is_not_read_again(verified: Path) -> None:
    """A change that leaves a file as it lay on the disk is not seen by a start, but by every check of all of it."""
    change(verified, FIRST)
    hide(verified)
    with Journal(verified) as journal:
        journal.append("sent", "x", APRIL, {})
        (fault,) = journal.check()
        assert FIRST in fault
    assert JournalReader(verified).verify() == (fault,)


def test_what_the_check_finds_stops_sending(verified: Path) -> None:
    """Nothing is written any more, so nothing leaves, and the message says how to go on."""
    change(verified, SECOND)
    hide(verified)
    with Journal(verified) as journal:
        journal.check()
        with pytest.raises(JournalError, match=r"damaged, so nothing is sent.*sampler history repair"):
            journal.append("sent", "x", APRIL, {})
        with pytest.raises(JournalError, match="damaged"):
            journal.tend(APRIL + timedelta(days=30), timedelta(days=30))


def test_a_sound_journal_goes_on(verified: Path) -> None:
    """A check that finds nothing changes nothing, and the chain continues over the files that were not read."""
    with Journal(verified) as journal:
        assert journal.check() == ()
        journal.append("sent", "x", APRIL, {})
    assert JournalReader(verified).verify() == ()
    with Journal(verified) as journal:
        assert journal.latest == APRIL


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / NOTE).unlink(),
        lambda folder: (folder / NOTE).write_bytes(b"{"),
        lambda folder: (folder / NOTE).write_bytes(b""),
        lambda folder: (folder / NOTE).write_text('{"begins":null,"explained":false,"files":[]}'),
        lambda folder: (folder / NOTE).write_text(json.dumps(note_of(folder) | {"more": 1})),
        lambda folder: (folder / NOTE).write_bytes(bytes(2 << 20)),
    ],
)
def test_a_note_that_is_damaged_costs_time_only(verified: Path, damage: Callable[[Path], object]) -> None:
    """Everything is read, what was changed is found; and of a sound journal the note is made anew."""
    sound = note_of(verified)
    damage(verified)
    Journal(verified).close()
    assert note_of(verified) == sound
    change(verified, FIRST)
    damage(verified)
    with pytest.raises(JournalError, match=FIRST):
        Journal(verified)


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_a_file_that_changed_is_read(verified: Path, name: str) -> None:
    """Its times say so, and the start is refused."""
    change(verified, name)
    with pytest.raises(JournalError, match=name):
        Journal(verified)


def test_a_note_that_does_not_fit_the_journal(verified: Path) -> None:
    """A wrong last entry in it is no damage of the journal, which is read whole and found sound."""
    note = note_of(verified)
    note["files"][-1]["last"]["digest"] = "f" * 64
    (verified / NOTE).write_text(json.dumps(note))
    with Journal(verified) as journal:
        assert journal.verify() == ()
    assert note_of(verified)["files"][-1]["last"]["digest"] != "f" * 64


def test_a_removed_end_is_missed(verified: Path) -> None:
    """Also where the written file is all that was read."""
    (verified / "journal.jsonl").write_bytes(b"")
    with pytest.raises(JournalError, match="the end: entries 14 to 16 are missing"):
        Journal(verified)


def test_files_that_went_for_their_age_leave_the_note(verified: Path) -> None:
    """What is left of it still spares a start the reading, and the journal still proves its beginning."""
    with Journal(verified) as journal:
        assert journal.tend(APRIL, timedelta(days=60)) == (FIRST,)
    assert note_of(verified)["files"][0]["file"] == SECOND
    change(verified, SECOND)
    hide(verified)
    with Journal(verified) as journal:
        assert SECOND in journal.check()[0]


def test_the_age_of_files_that_were_not_read_is_known(verified: Path) -> None:
    """They go as if they had been read."""
    removed: list[str] = []
    for week in range(5):
        with Journal(verified) as journal:
            removed += journal.tend(APRIL + timedelta(days=7 * week), timedelta(days=60))
            assert journal.verify() == ()
    assert removed == [FIRST, SECOND]
