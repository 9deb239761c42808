from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader

JANUARY = datetime(2026, 1, 3, tzinfo=UTC)
APRIL = JANUARY + timedelta(days=7 * 15)
MONTHS = [f"journal-{first:012}.jsonl" for first in (1, 6, 10)]
"""Of January, February and March."""
KEEP = timedelta(days=60)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jsonl"))


def test_old_files_go_after_an_entry_that_says_so(months: Path) -> None:
    """Whole files whose last entry is older go; the entry names what went, and the rest proves itself."""
    last = list(JournalReader(months).entries())[4]
    with Journal(months) as journal:
        assert journal.tend(APRIL, KEEP) == (MONTHS[0],)
        assert journal.tend(APRIL, KEEP) == ()
        assert journal.verify() == ()
    entries = list(JournalReader(months).entries())
    assert names(months) == [*MONTHS[1:], "journal.jsonl"]
    assert [entry.number for entry in entries] == list(range(6, 18))
    assert (entries[-1].kind, entries[-1].document) == (
        "pruned",
        {"first": 1, "last": 5, "digest": last.digest, "kinds": {"sent": 5}, "files": [MONTHS[0]]},
    )


def test_later_removals_follow_earlier_ones(months: Path) -> None:
    """The newest entry about a removal speaks for the beginning, over restarts too."""
    now = APRIL
    removed: list[str] = []
    for _ in range(20):
        now += timedelta(days=7)
        with Journal(months) as journal:
            removed += journal.tend(now, KEEP)
            assert journal.verify() == ()
    assert removed[:3] == MONTHS
    assert len(removed) > 4, "the quiet months went as well"
    assert {entry.kind for entry in JournalReader(months).entries()} == {"quiet", "pruned"}


def test_nothing_old_nothing_done(months: Path) -> None:
    """Without a file that is old enough not even an entry is written; the written file never goes."""
    with Journal(months) as journal:
        assert journal.tend(APRIL, timedelta(days=730)) == ()
    assert len(list(JournalReader(months).entries())) == 16
    with Journal(months) as journal:
        journal.tend(APRIL + timedelta(days=6), timedelta())
        assert "journal.jsonl" in names(months)
        assert journal.verify() == ()


def test_a_clock_that_jumped_removes_nothing_more(months: Path) -> None:
    """Twenty years ahead are one step of the journal's own time, and going back takes nothing away."""
    with Journal(months) as journal:
        for moment in (APRIL.replace(year=2046), APRIL.replace(year=1970), APRIL.replace(year=2046)):
            assert set(journal.tend(moment, KEEP)) <= {MONTHS[0]}
        assert journal.verify() == ()
    assert MONTHS[1] in names(months)


def test_quiet_weeks_are_noted(months: Path) -> None:
    """A week without entries gets one that says from where on; it is not repeated before the next week is over."""
    with Journal(months) as journal:
        journal.tend(APRIL + timedelta(days=6), timedelta(days=730))
        journal.tend(APRIL + timedelta(days=7), timedelta(days=730))
        journal.tend(APRIL + timedelta(days=8), timedelta(days=730))
        quiet = [entry.document for entry in journal.entries() if entry.kind == "quiet"]
    assert quiet == [{"since": 16}]


def test_what_was_cut_off_goes_with_its_time(months: Path) -> None:
    """Fragments that crashes left are removed with the entries of their time, later ones stay."""
    for number in (5, 12):
        (months / f"journal.torn-{number}").write_bytes(b"{")
    with Journal(months) as journal:
        journal.tend(APRIL, KEEP)
    assert [path.name for path in months.glob("journal.torn-*")] == ["journal.torn-12"]


def test_killed_at_every_step_of_removing(months: Path, killed_at: Callable[[int, Callable[[], object]], bool]) -> None:
    """Wherever it is killed, the journal verifies, and the next start finishes what was announced."""

    def act() -> None:
        with Journal(months) as journal:
            journal.tend(APRIL, timedelta(days=30))

    steps = 0
    while killed_at(steps + 1, act):
        steps += 1
        assert JournalReader(months).verify() == ()
    assert steps >= 8
    assert names(months) == [MONTHS[2], "journal.jsonl"]
    with Journal(months) as journal:
        assert journal.verify() == ()


def test_a_removed_file_is_missed(months: Path) -> None:
    """A file that went without an entry about it is damage: the oldest, one in the middle, the written one."""
    for name, place in ((MONTHS[0], "the beginning"), (MONTHS[1], MONTHS[2]), ("journal.jsonl", "the end")):
        kept = (months / name).rename(months / "aside")
        faults = JournalReader(months).verify()
        assert faults
        assert faults[0].startswith(place)
        kept.rename(months / name)
    assert JournalReader(months).verify() == ()


def test_more_than_was_announced_is_missed(months: Path) -> None:
    """An entry about one removed file does not excuse another."""
    with Journal(months) as journal:
        journal.tend(APRIL, KEEP)
    (months / MONTHS[1]).unlink()
    assert JournalReader(months).verify() == ("the beginning: entries 1 to 9 are missing",)


def test_exchanged_files_are_seen(months: Path) -> None:
    """Two closed files under each other's names are named."""
    first, second = months / MONTHS[0], months / MONTHS[1]
    first.rename(months / "aside")
    second.rename(first)
    (months / "aside").rename(second)
    assert any("not what its name says" in fault for fault in JournalReader(months).verify())
    with pytest.raises(JournalError, match="nothing is sent"):
        Journal(months)


def test_a_changed_byte_in_a_closed_file_is_placed(months: Path) -> None:
    """The fault names file and line."""
    file = months / MONTHS[1]
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    file.write_bytes(file.read_bytes().replace(b'"week":6', b'"week":7'))
    assert JournalReader(months).verify() == (f"{MONTHS[1]}, line 2: changed after it was written",)


def test_a_file_that_cannot_be_removed_goes_another_time(months: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal was announced, so the journal is sound either way; it is tried again."""

    def fail(*arguments: object) -> None:
        raise PermissionError(1, "not permitted")

    with Journal(months) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", fail)
            with pytest.raises(JournalError, match="tried again later"):
                journal.tend(APRIL, KEEP)
        assert journal.verify() == ()
        assert journal.tend(APRIL, KEEP) == (MONTHS[0],)
        assert journal.latest == datetime(2026, 4, 18, tzinfo=UTC)
