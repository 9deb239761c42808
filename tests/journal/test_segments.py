from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import JournalError
from sampler.journal.segments import closed_segments, lines_backwards, lines_of
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES


def fill(folder: Path, *files: bytes) -> None:
    """All but the last are closed; each line counts as one entry."""
    first = 1
    for data in files[:-1]:
        (folder / f"journal-{first:012}.jsonl").write_bytes(data)
        first += data.count(b"\n")
    (folder / "journal.jsonl").write_bytes(files[-1])


def test_files_are_read_in_the_order_of_the_chain(tmp_path: Path) -> None:
    """Closed segments by number, the written one last; other files are none of it."""
    fill(tmp_path, b"a\nb\n", b"c\n", b"d\n")
    (tmp_path / "journal.torn-3").write_bytes(b"x\n")
    (tmp_path / "journal-x.jsonl").write_bytes(b"y\n")
    seen = [(line.where, line.data) for line in lines_of(tmp_path)]
    assert seen == [
        ("journal-000000000001.jsonl, line 1", b"a\n"),
        ("journal-000000000001.jsonl, line 2", b"b\n"),
        ("journal-000000000003.jsonl, line 1", b"c\n"),
        ("journal.jsonl, line 1", b"d\n"),
    ]


@given(data=st.lists(st.lists(st.binary(max_size=40), max_size=6), min_size=1, max_size=3), end=st.binary(max_size=9))
def test_backwards_is_forwards_reversed(
    tmp_path_factory: pytest.TempPathFactory, data: list[list[bytes]], end: bytes
) -> None:
    """Whatever the lines hold, carriage returns and a cut-off end among it."""
    folder = tmp_path_factory.mktemp("journal")
    files = [b"".join(line.replace(b"\n", b"\r") + b"\n" for line in lines) for lines in data]
    fill(folder, *files[:-1], files[-1] + end.replace(b"\n", b""))
    forwards = [line.data for line in lines_of(folder)]
    assert [line.data for line in lines_backwards(folder)] == forwards[::-1]


def test_long_lines_backwards(tmp_path: Path) -> None:
    """Lines longer than any block come back whole."""
    lines = [b"a" * 200_000 + b"\n", b"b\n", b"c" * 65_535 + b"\n", b"d" * 3_000_000 + b"\n", b"e\n"]
    fill(tmp_path, b"".join(lines))
    assert [line.data for line in lines_backwards(tmp_path)] == lines[::-1]


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path) -> None:
    """A file that is one line beyond the ceiling is never held in memory whole."""
    fill(tmp_path, b"")
    with (tmp_path / "journal.jsonl").open("wb") as file:
        file.truncate(5 * JOURNAL_ENTRY_MAX_BYTES)
    for read in (lines_of, lines_backwards):
        pieces = [len(line.data) for line in read(tmp_path)]
        assert sum(pieces) == 5 * JOURNAL_ENTRY_MAX_BYTES
        assert max(pieces) <= 2 * JOURNAL_ENTRY_MAX_BYTES


def test_a_file_that_is_closed_meanwhile_is_read_once(tmp_path: Path) -> None:
    """The written file got its closed name after it was opened: it is not read twice."""
    (tmp_path / "journal.jsonl").write_bytes(b"a\n")
    os.link(tmp_path / "journal.jsonl", tmp_path / "journal-000000000001.jsonl")
    assert [line.data for line in lines_of(tmp_path)] == [b"a\n"]


def test_a_file_that_is_removed_meanwhile_is_passed_over(tmp_path: Path) -> None:
    """Reading goes on with what is left."""
    fill(tmp_path, b"a\n", b"b\n", b"c\n")
    lines = lines_of(tmp_path)
    first = next(lines)
    (tmp_path / "journal-000000000002.jsonl").unlink()
    assert [first.data, *(line.data for line in lines)] == [b"a\n", b"c\n"]


def test_no_folder_is_an_empty_journal(tmp_path: Path) -> None:
    """Before an agent ever ran there is nothing to read."""
    assert list(lines_of(tmp_path / "absent")) == list(lines_backwards(tmp_path / "absent")) == []


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A folder in place of the file, and a file in place of the folder, are named."""
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(JournalError, match=r"journal\.jsonl.*cannot be read"):
        list(lines_of(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match="cannot be read"):
        closed_segments(tmp_path / "file")
