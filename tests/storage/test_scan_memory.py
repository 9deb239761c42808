"""What is remembered of scans, and that it costs nothing but time when it cannot be had."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sqlite3
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.model import FileVersion, RuleMatch, Scanned, StringHit
from sampler.storage.scan_memory import ScanMemory

CONTEXT = b"c" * 16
FILE = FileVersion(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)
FOUND = Scanned(
    "ab" * 32,
    3,
    "text/plain",
    (RuleMatch("r", "n.yar", ("t", "u"), (("k", "v"), ("n", -1), ("b", True)), (StringHit("$a", 0, 3, 7),), 300),),
)
DAY = 86_400
NAME = "scans-1.sqlite"


def numbered(number: int) -> tuple[FileVersion, Scanned]:
    """One of many files, with its own bytes."""
    return replace(FILE, inode=number), Scanned(hashlib.sha256(str(number).encode()).hexdigest(), 3, "x/y")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    return made


def filled(folder: Path) -> Path:
    with ScanMemory(folder) as memory:
        memory.remember(FILE, CONTEXT, FOUND)
    return folder / NAME


def recalled(folder: Path) -> Scanned | None:
    with ScanMemory(folder) as memory:
        return memory.recall(FILE, CONTEXT)


def test_a_result_comes_back_whole(folder: Path) -> None:
    """Matches with tags, metadata and hits come back as they were, by file and by content."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall(FILE, CONTEXT) == FOUND
        assert memory.recall_content(FOUND.sha256, CONTEXT) == FOUND
        assert memory.may_know(3)
        assert not memory.may_know(4)


@pytest.mark.parametrize("field", ["device", "inode", "size", "mtime_ns", "ctime_ns"])
def test_another_state_is_unknown(folder: Path, field: str) -> None:
    """A file of which anything that stat tells is another one is not taken for the one that was scanned."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall(replace(FILE, **{field: 99}), CONTEXT) is None


def test_another_context_is_unknown(folder: Path) -> None:
    """With other rules nothing is known, of the file or of the bytes."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall(FILE, b"d" * 16) is None
        assert memory.recall_content(FOUND.sha256, b"d" * 16) is None


def test_the_later_state_replaces_the_earlier(folder: Path) -> None:
    """One file has one state."""
    filled(folder)
    with ScanMemory(folder) as memory:
        memory.remember(replace(FILE, mtime_ns=9), CONTEXT, replace(FOUND, sha256="cd" * 32))
    with ScanMemory(folder) as memory:
        assert memory.recall(FILE, CONTEXT) is None
        assert memory.recall(replace(FILE, mtime_ns=9), CONTEXT) == replace(FOUND, sha256="cd" * 32)


@given(
    device=st.integers(0, 2**64 - 1),
    inode=st.integers(0, 2**64 - 1),
    size=st.integers(0, 2**63 - 1),
    mtime_ns=st.integers(-(2**94), 2**94),
    ctime_ns=st.integers(-(2**94), 2**94),
)
def test_whatever_stat_tells_can_be_kept(
    tmp_path_factory: pytest.TempPathFactory, device: int, inode: int, size: int, mtime_ns: int, ctime_ns: int
) -> None:
    """Any user can set a time to any year (utimensat(2)), and inode numbers use 64 bits: no such file ends a scan."""
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    file = FileVersion(device, inode, size, mtime_ns, ctime_ns)
    with ScanMemory(folder) as memory:
        memory.remember(file, CONTEXT, FOUND)
        memory._flush()
        assert memory.recall(file, CONTEXT) == FOUND


def test_only_its_user_can_read_it(folder: Path) -> None:
    """Paths are not in it, but what runs where is."""
    assert stat.S_IMODE(filled(folder).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(
    folder: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever can write results can have a file passed over."""
    filled(folder)
    folder.chmod(mode)
    before = sorted(folder.iterdir())
    assert recalled(folder) is None
    assert sorted(folder.iterdir()) == before
    said = capsys.readouterr()
    assert "others can write to the folder" in said.err + said.out  # where to depends on whether logging is set up


def test_a_link_to_a_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    """Nor is a folder that is somewhere else than it says."""
    filled(folder)
    (tmp_path / "link").symlink_to(folder)
    assert recalled(tmp_path / "link") is None


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Then nothing is known, and nothing raised."""
    (tmp_path / "file").touch()
    assert recalled(tmp_path / "file" / "cache") is None


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 + 100)


def no_database(file: Path) -> None:
    file.write_bytes(b"not a database, and longer than a header of one hundred bytes " * 4)


def other_tables(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE contents (size INTEGER)")
        connection.execute("CREATE TABLE files (x INTEGER)")
    connection.close()


def broken_pages(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, no_database, other_tables, broken_pages, Path.unlink])
def test_damage_heals(folder: Path, damage: Callable[[Path], None]) -> None:
    """A memory that is not what it was is begun anew; nothing raises, and what is kept afterwards is recalled."""
    damage(filled(folder))
    recalled(folder)
    filled(folder)
    assert recalled(folder) == FOUND


def test_an_answer_that_cannot_be_read(folder: Path) -> None:
    """A row that is no result is none."""
    file = filled(folder)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE contents SET answer = x'c1'")
    connection.close()
    assert recalled(folder) is None


def test_a_folder_in_its_place(folder: Path) -> None:
    """What cannot be deleted is left, and nothing is known."""
    (folder / NAME).mkdir()
    assert recalled(folder) is None
    assert (folder / NAME).is_dir()


def test_one_that_is_in_use_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may hold it for longer than we wait: it is neither waited for long nor deleted."""
    monkeypatch.setattr("sampler.storage.scan_memory._BUSY_SECONDS", 0.01)
    file = filled(folder)
    inode = file.stat().st_ino
    holder = sqlite3.connect(file)
    holder.execute("BEGIN EXCLUSIVE")
    with ScanMemory(folder) as memory:
        memory.remember(replace(FILE, inode=77), CONTEXT, FOUND)
    holder.rollback()
    holder.close()
    assert file.stat().st_ino == inode
    with ScanMemory(folder) as memory:
        assert memory.recall(FILE, CONTEXT) == FOUND
        assert memory.recall(replace(FILE, inode=77), CONTEXT) is None


def test_it_stays_within_its_bytes(folder: Path) -> None:
    """Also while it is being filled, and with all of it from today."""
    most = 512 * 1024
    with ScanMemory(folder, max_bytes=most, now=lambda: 10.0 * DAY) as memory:
        for number in range(12_000):
            memory.remember(*(numbered(number)[0], CONTEXT, numbered(number)[1]))
            if number % 1000 == 999:
                assert (folder / NAME).stat().st_size <= most + 512 * 1024
    assert (folder / NAME).stat().st_size <= most


def test_room_is_made_oldest_first(folder: Path) -> None:
    """What was used last stays: a recalled result is as young as a new one."""
    with ScanMemory(folder, now=lambda: 10.0 * DAY) as memory:
        for number in range(3000):
            file, scanned = numbered(number)
            memory.remember(file, CONTEXT, scanned)
    with ScanMemory(folder, now=lambda: 11.0 * DAY) as memory:
        for number in range(100):
            assert memory.recall(numbered(number)[0], CONTEXT) is not None
    most = (folder / NAME).stat().st_size - 64 * 1024
    with ScanMemory(folder, max_bytes=most, now=lambda: 12.0 * DAY) as memory:
        file, scanned = numbered(5000)
        memory.remember(file, CONTEXT, scanned)
    with ScanMemory(folder) as memory:
        kept = [number for number in (*range(3000), 5000) if memory.recall(numbered(number)[0], CONTEXT)]
    assert kept == [*range(100), 5000]
    assert (folder / NAME).stat().st_size <= most


def test_much_that_is_recalled_takes_no_memory(folder: Path) -> None:
    """The list of what was used is written when it is long, not at the end of a scan of millions of files."""
    with ScanMemory(folder, now=lambda: 10.0 * DAY) as memory:
        memory.remember(FILE, CONTEXT, FOUND)
    with ScanMemory(folder, now=lambda: 11.0 * DAY) as memory:
        for _ in range(2500):
            memory.recall(FILE, CONTEXT)
        assert len(memory._used) < 1000


def fill(folder: Path, first: int, last: int) -> None:
    with ScanMemory(folder) as memory:
        for number in range(first, last):
            file, scanned = numbered(number)
            memory.remember(file, CONTEXT, scanned)


def test_two_processes_at_once(folder: Path) -> None:
    """What both remember is there afterwards."""
    filled(folder)
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=fill, args=(folder, first, first + 3000)) for first in (0, 10_000)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    with ScanMemory(folder) as memory:
        for number in (*range(3000), *range(10_000, 13_000)):
            assert memory.recall(numbered(number)[0], CONTEXT) is not None
