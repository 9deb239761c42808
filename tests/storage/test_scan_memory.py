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

from sampler.model import RuleMatch, Scanned, StringHit
from sampler.storage.scan_memory import ScanMemory

CONTEXT = b"c" * 16
FOLDER = b"f" * 16
NAME = b"name"
STATE = b"as it was"
FOUND = Scanned(
    "ab" * 32,
    3,
    "text/plain",
    (RuleMatch("r", "n.yar", ("t", "u"), (("k", "v"), ("n", -1), ("b", True)), (StringHit("$a", 0, 3, 7),), 300),),
)
DAY = 86_400
DATABASE = "scans-2.sqlite"


def numbered(number: int) -> tuple[bytes, Scanned]:
    """The name of one of many files, and the result of its own bytes."""
    return b"%06d" % number, Scanned(hashlib.sha256(str(number).encode()).hexdigest(), 3, "x/y")


def keep(memory: ScanMemory, number: int) -> None:
    name, scanned = numbered(number)
    memory.remember(FOLDER, name, STATE, CONTEXT, scanned)


def kept(memory: ScanMemory, number: int) -> Scanned | None:
    name, _ = numbered(number)
    return memory.recall(FOLDER, {name: STATE}).get(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    return made


def filled(folder: Path) -> Path:
    with ScanMemory(folder) as memory:
        memory.remember(FOLDER, NAME, STATE, CONTEXT, FOUND)
    return folder / DATABASE


def recalled(folder: Path) -> Scanned | None:
    with ScanMemory(folder) as memory:
        return memory.recall(FOLDER, {NAME: STATE}).get(NAME)


def test_a_result_comes_back_whole(folder: Path) -> None:
    """Matches with tags, metadata and hits come back as they were, by file and by content."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall(FOLDER, {NAME: STATE}) == {NAME: FOUND}
        assert memory.recall_content(FOUND.sha256, CONTEXT) == FOUND
        assert memory.may_know(3)
        assert not memory.may_know(4)


def test_a_clean_result_comes_back(folder: Path) -> None:
    """One without matches, of an empty file, is a result as well."""
    clean = Scanned("00" * 32, 0, "inode/x-empty")
    with ScanMemory(folder) as memory:
        memory.remember(FOLDER, NAME, STATE, CONTEXT, clean)
    assert recalled(folder) == clean


@pytest.mark.parametrize(
    ("where", "name", "state"),
    [(b"g" * 16, NAME, STATE), (FOLDER, b"nam", STATE), (FOLDER, NAME, b"another"), (FOLDER, NAME, b"")],
)
def test_what_differs_is_unknown(folder: Path, where: bytes, name: bytes, state: bytes) -> None:
    """A file in another folder, with another name or in another state is not taken for the one that was scanned."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall(where, {name: state}) == {}


def test_a_folder_is_recalled_file_by_file(folder: Path) -> None:
    """Of many files each has its own result, whatever lies between them; what changed and what is new has none."""
    with ScanMemory(folder) as memory:
        for number in range(100):
            keep(memory, number)
    with ScanMemory(folder) as memory:
        states = {numbered(number)[0]: STATE for number in range(0, 120, 2)}
        states[numbered(40)[0]] = b"another"
        known = memory.recall(FOLDER, states)
    assert known == dict(numbered(number) for number in range(0, 100, 2) if number != 40)


def test_names_are_bytes(folder: Path) -> None:
    """Any that a file system can hold, in their own order and not in that of a language."""
    names = [bytes([byte]) * length for byte in (1, 10, 65, 97, 127, 128, 255) for length in (1, 255)]
    with ScanMemory(folder) as memory:
        for name in names:
            memory.remember(FOLDER, name, b"state of " + name, CONTEXT, FOUND)
    with ScanMemory(folder) as memory:
        assert memory.recall(FOLDER, {name: b"state of " + name for name in names}) == dict.fromkeys(names, FOUND)
        assert memory.recall(FOLDER, {}) == {}


def test_another_context_is_unknown(folder: Path) -> None:
    """With other rules nothing is known of the bytes."""
    filled(folder)
    with ScanMemory(folder) as memory:
        assert memory.recall_content(FOUND.sha256, b"d" * 16) is None


def test_the_later_state_replaces_the_earlier(folder: Path) -> None:
    """One file has one state."""
    filled(folder)
    later = replace(FOUND, sha256="cd" * 32)
    with ScanMemory(folder) as memory:
        memory.remember(FOLDER, NAME, b"later", CONTEXT, later)
    with ScanMemory(folder) as memory:
        assert memory.recall(FOLDER, {NAME: STATE}) == {}
        assert memory.recall(FOLDER, {NAME: b"later"}) == {NAME: later}


def test_what_an_earlier_release_kept_is_deleted(folder: Path) -> None:
    """Nobody reads it any more, and it may be large; when this layout is in use, nothing is looked for."""
    old = folder / "scans-1.sqlite"
    old.touch()
    filled(folder)
    assert not old.exists()
    old.touch()
    assert recalled(folder) == FOUND
    assert old.exists()


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
        connection.execute("UPDATE files SET matches = x'c1'")
    connection.close()
    assert recalled(folder) is None
    with ScanMemory(folder) as memory:
        assert memory.recall_content(FOUND.sha256, CONTEXT) is None


def test_a_folder_in_its_place(folder: Path) -> None:
    """What cannot be deleted is left, and nothing is known."""
    (folder / DATABASE).mkdir()
    assert recalled(folder) is None
    assert (folder / DATABASE).is_dir()


def test_one_that_is_in_use_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may hold it for longer than we wait: it is neither waited for long nor deleted."""
    monkeypatch.setattr("sampler.storage.scan_memory._BUSY_SECONDS", 0.01)
    file = filled(folder)
    inode = file.stat().st_ino
    holder = sqlite3.connect(file)
    holder.execute("BEGIN EXCLUSIVE")
    with ScanMemory(folder) as memory:
        keep(memory, 77)
    holder.rollback()
    holder.close()
    assert file.stat().st_ino == inode
    with ScanMemory(folder) as memory:
        assert memory.recall(FOLDER, {NAME: STATE}) == {NAME: FOUND}
        assert kept(memory, 77) is None


def test_it_stays_within_its_bytes(folder: Path) -> None:
    """Also while it is being filled, and with all of it from today."""
    most = 512 * 1024
    with ScanMemory(folder, max_bytes=most, now=lambda: 10.0 * DAY) as memory:
        for number in range(12_000):
            keep(memory, number)
            if number % 1000 == 999:
                assert (folder / DATABASE).stat().st_size <= most + 512 * 1024
    assert (folder / DATABASE).stat().st_size <= most


def test_room_is_made_oldest_first(folder: Path) -> None:
    """What was used last stays: a result that was recalled after a while is as young as a new one."""
    with ScanMemory(folder, now=lambda: 10.0 * DAY) as memory:
        for number in range(3000):
            keep(memory, number)
    with ScanMemory(folder, now=lambda: 17.0 * DAY) as memory:
        for number in range(100):
            assert kept(memory, number) is not None
    most = (folder / DATABASE).stat().st_size - 64 * 1024
    with ScanMemory(folder, max_bytes=most, now=lambda: 18.0 * DAY) as memory:
        keep(memory, 5000)
    with ScanMemory(folder) as memory:
        assert [number for number in (*range(3000), 5000) if kept(memory, number)] == [*range(100), 5000]
    assert (folder / DATABASE).stat().st_size <= most


@pytest.mark.parametrize(
    ("today", "marked"), [(10, 10), (16, 10), (17, 17), (9, 9)], ids=["the same", "soon", "late", "a clock set back"]
)
def test_use_is_marked_once_a_week(folder: Path, today: int, marked: int) -> None:
    """A scan every day does not write everything anew; and a day that is to come does not last for ever."""
    with ScanMemory(folder, now=lambda: 10.0 * DAY) as memory:
        memory.remember(FOLDER, NAME, STATE, CONTEXT, FOUND)
    with ScanMemory(folder, now=lambda: float(today) * DAY) as memory:
        assert memory.recall(FOLDER, {NAME: STATE})
        assert memory.recall_content(FOUND.sha256, CONTEXT)
    with sqlite3.connect(folder / DATABASE) as connection:
        days = connection.execute("SELECT day FROM files UNION ALL SELECT day FROM contents").fetchall()
    connection.close()
    assert days == [(marked,), (marked,)]


def test_much_that_is_recalled_takes_no_memory(folder: Path) -> None:
    """The list of what was used is written when it is long, not at the end of a scan of millions of files."""
    with ScanMemory(folder, now=lambda: 10.0 * DAY) as memory:
        memory.remember(FOLDER, NAME, STATE, CONTEXT, FOUND)
    with ScanMemory(folder, now=lambda: 20.0 * DAY) as memory:
        for _ in range(2500):
            memory._used_files.append((1, FOLDER, b"gone"))
            memory.recall(FOLDER, {b"z": STATE})
            memory.recall_content(FOUND.sha256, CONTEXT)
        assert len(memory._used) < 1000
        assert len(memory._used_files) < 1000


def fill(folder: Path, first: int, last: int) -> None:
    with ScanMemory(folder) as memory:
        for number in range(first, last):
            keep(memory, number)


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
            assert kept(memory, number) is not None
