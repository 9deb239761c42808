"""Which files are wanted: names, sizes, changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampler.walk.selection import Selection


def wants(selection: Selection, file: Path) -> bool:
    return selection.wants(os.fsencode(file), file.lstat())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file.txt"
    made.write_bytes(bytes(100))
    return made


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(0, None, True), (100, 100, True), (101, None, False), (0, 99, False), (100, None, True)],
)
def test_sizes_include_their_ends(file: Path, lowest: int, highest: int | None, expected: bool) -> None:
    """A file as long as the limit is wanted."""
    assert wants(Selection(min_bytes=lowest, max_bytes=highest), file) is expected


def test_newer_is_strictly_newer(file: Path) -> None:
    """The moment of the last change itself is not after it."""
    status = file.lstat()
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    assert not wants(Selection(newer_than_ns=changed), file)
    assert wants(Selection(newer_than_ns=changed - 1), file)


def test_a_time_that_was_set_back_does_not_hide_a_file(file: Path) -> None:
    """Anybody can set st_mtime; the kernel alone sets st_ctime."""
    before = file.lstat().st_ctime_ns - 1
    os.utime(file, ns=(0, 0))
    assert wants(Selection(newer_than_ns=before), file)


def test_exclusion_outweighs_inclusion(file: Path) -> None:
    """What both name is left out."""
    assert wants(Selection(include=("*.txt",)), file)
    assert not wants(Selection(include=("*.txt",), exclude=("file.*",)), file)


@pytest.mark.parametrize("bad", [{"min_bytes": -1}, {"min_bytes": 2, "max_bytes": 1}, {"exclude": ("",)}])
def test_what_cannot_be_is_refused(bad: dict[str, object]) -> None:
    """A selection that could hold for nothing, or a pattern that is none, cannot be made."""
    with pytest.raises(ValueError):
        Selection(**bad)  # type: ignore[arg-type]
