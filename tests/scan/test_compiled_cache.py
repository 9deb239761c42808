"""Kept compiled rules: whose they are, what is loaded, and what gives way."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sampler.scan import compiled_cache
from sampler.scan.compiled_cache import CompiledCache

KEY = "a" * 64 + "-mz"
OTHER = "b" * 64 + "-mz"
PAYLOAD = b"compiled" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds one entry."""
    CompiledCache(tmp_path / "cache").put(KEY, PAYLOAD)
    return tmp_path / "cache"


def entry(folder: Path, key: str = KEY) -> Path:
    return folder / f"{key}.compiled"


def listed(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_what_was_put(folder: Path) -> None:
    """What was put is there again, in a folder and a file that are this user's only; nothing else is."""
    assert CompiledCache(folder).get(KEY) == PAYLOAD
    assert CompiledCache(folder).get(OTHER) is None
    assert [folder.stat().st_mode & 0o777, entry(folder).stat().st_mode & 0o777] == [0o700, 0o600]
    assert listed(folder) == {entry(folder).name}


def test_nothing(tmp_path: Path) -> None:
    """An empty entry is one, too."""
    CompiledCache(tmp_path / "cache").put(KEY, b"")
    assert CompiledCache(tmp_path / "cache").get(KEY) == b""


def test_the_header(folder: Path) -> None:
    """An entry begins with what it is, its key, and the SHA-256 of the rest."""
    head = b"sampler compiled rules 2\n" + KEY.encode() + b"\n" + hashlib.sha256(PAYLOAD).digest()
    assert entry(folder).read_bytes() == head + PAYLOAD


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o770, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to(folder: Path, mode: int) -> None:
    """A folder that others can write to is neither read nor written."""
    folder.chmod(mode)
    assert CompiledCache(folder).get(KEY) is None
    CompiledCache(folder).put(OTHER, PAYLOAD)
    assert not entry(folder, OTHER).exists()


def test_a_link_to_a_folder(folder: Path, tmp_path: Path) -> None:
    """A link is no private folder, wherever it leads."""
    (tmp_path / "link").symlink_to(folder)
    assert CompiledCache(tmp_path / "link").get(KEY) is None
    CompiledCache(tmp_path / "link").put(OTHER, PAYLOAD)
    assert not entry(folder, OTHER).exists()


def test_a_folder_of_somebody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another user is not used."""
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert CompiledCache(folder).get(KEY) is None
    CompiledCache(folder).put(OTHER, PAYLOAD)
    assert not entry(folder, OTHER).exists()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """A file where the folder should be is left alone."""
    (tmp_path / "cache").write_text("mine")
    CompiledCache(tmp_path / "cache").put(KEY, PAYLOAD)
    assert CompiledCache(tmp_path / "cache").get(KEY) is None
    assert (tmp_path / "cache").read_text() == "mine"


def _flip(place: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([data[place] ^ 1]) + data[place:][1:]


@pytest.mark.parametrize(
    "damage",
    [
        _flip(0),
        _flip(30),
        _flip(100),
        _flip(200),
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:20],
        lambda data: b"",
        lambda data: PAYLOAD,
        lambda data: data.replace(b"rules 2", b"rules 1"),
        lambda data: data.replace(KEY.encode(), OTHER.encode()),
    ],
)
def test_damaged_entries(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """An entry of which any byte is not as it was written counts as absent, and can be put again."""
    entry(folder).write_bytes(damage(entry(folder).read_bytes()))
    assert CompiledCache(folder).get(KEY) is None
    CompiledCache(folder).put(KEY, PAYLOAD)
    assert CompiledCache(folder).get(KEY) == PAYLOAD


def test_an_entry_under_another_name(folder: Path) -> None:
    """An entry that was renamed is not taken for the other one."""
    entry(folder).rename(entry(folder, OTHER))
    assert CompiledCache(folder).get(OTHER) is None


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "writable"])
def test_entries_that_are_no_files_of_ours(folder: Path, kind: str) -> None:
    """A link, a FIFO, a folder or a file that others can write to is no entry; nothing waits for it."""
    moved = entry(folder).rename(folder / "moved")
    if kind == "link":
        entry(folder).symlink_to(moved)
    elif kind == "fifo":
        os.mkfifo(entry(folder))
    elif kind == "folder":
        entry(folder).mkdir()
    else:
        moved.rename(entry(folder)).chmod(0o622)
    assert CompiledCache(folder).get(KEY) is None


@pytest.mark.parametrize("key", ["", "x", "../" + KEY, KEY + "\n", "a" * 64 + "-MZ", "a" * 64 + "-" + "a" * 17])
def test_what_is_no_key(folder: Path, key: str) -> None:
    """A key that is none is a fault of whoever calls."""
    with pytest.raises(ValueError, match="not a key"):
        CompiledCache(folder).get(key)


def test_a_large_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than the ceiling is not kept."""
    monkeypatch.setattr(compiled_cache, "COMPILED_RULES_MAX_BYTES", len(PAYLOAD) - 1)
    CompiledCache(folder).put(OTHER, PAYLOAD)
    assert not entry(folder, OTHER).exists()


def test_room_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries that were not used for longest give way, and with them what was left half written."""
    names = [f"{digit * 64}-mz" for digit in "0123"]
    for age, key in enumerate(names):
        CompiledCache(folder).put(key, PAYLOAD)
        os.utime(entry(folder, key), (age, age))
    (folder / f".{KEY}.compiled.0123456789abcdef").write_bytes(PAYLOAD)
    os.utime(folder / f".{KEY}.compiled.0123456789abcdef", (0, 0))
    (folder / "notes").write_bytes(PAYLOAD)
    assert CompiledCache(folder).get(names[0]) == PAYLOAD  # is the newest now
    monkeypatch.setattr(compiled_cache, "COMPILED_CACHE_MAX_BYTES", 3 * entry(folder).stat().st_size)
    entry(folder).unlink()
    CompiledCache(folder).put(OTHER, PAYLOAD)
    left = {entry(folder, key).name for key in (names[0], names[3], OTHER)}
    assert listed(folder) == left | {"notes"}


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    """Files of this process end at ``size`` bytes, as on a full disk: a write there fails, for root as well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk(folder: Path) -> None:
    """What does not fit on the disk leaves nothing behind and costs what was there before nothing."""
    before = listed(folder)
    with _file_size_limit(len(PAYLOAD) // 2):
        CompiledCache(folder).put(KEY, b"other" * 1000)
        CompiledCache(folder).put(OTHER, b"other" * 1000)
    assert listed(folder) == before
    assert CompiledCache(folder).get(KEY) == PAYLOAD


def _put_many(folder: Path, byte: int) -> None:
    for _ in range(50):
        CompiledCache(folder).put(KEY, bytes([byte]) * 100_000)


def test_two_processes(folder: Path) -> None:
    """Two processes that keep the same entry leave a whole one; whoever reads meanwhile sees a whole one."""
    writers = [multiprocessing.get_context("fork").Process(target=_put_many, args=(folder, byte)) for byte in (1, 2)]
    for writer in writers:
        writer.start()
    seen = {CompiledCache(folder).get(KEY)}
    while any(writer.is_alive() for writer in writers):
        seen.add(CompiledCache(folder).get(KEY))
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert CompiledCache(folder).get(KEY) in (b"\1" * 100_000, b"\2" * 100_000)
    assert seen <= {PAYLOAD, b"\1" * 100_000, b"\2" * 100_000}
    assert listed(folder) == {entry(folder).name}
