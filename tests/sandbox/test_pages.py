"""Dropping the pages of a mapped object while it is scanned, in real children."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sampler.limits import GIB, KIB, MIB
from sampler.sandbox import ChildPool, dropping_pages
from sampler.sandbox.pages import PageDropper

NEEDLE = b"a needle in 1 GiB"
Start = Callable[[bytes], Awaitable[ChildPool]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def start(entries: Path) -> AsyncIterator[Start]:
    """A pool of one child that drops pages, or one that does not."""
    pools: list[ChildPool] = []

    async def make(how: bytes) -> ChildPool:
        pools.append(ChildPool("paging_entries:prepare", how, children=1))
        await pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


def make_file(path: Path, size: int) -> Path:
    """Zeros that take no room on the disk, with a needle at the start, in the middle and at the end."""
    with path.open("wb") as file:
        for place in (0, size // 2, size - len(NEEDLE)):
            file.seek(place)
            file.write(NEEDLE)
    return path


def child_of(pool: ChildPool) -> Path:
    """The folder in /proc of its only child."""
    (child,) = pool._idle or pool._busy
    return Path("/proc", str(child.pid))


def status_bytes(process: Path, name: str) -> int:
    """A number of /proc/PID/status, which everyone may read."""
    return int((process / "status").read_text().partition(f"{name}:")[2].split()[0]) * KIB


async def scanned(pool: ChildPool, file: Path) -> tuple[object, int]:
    """What a child says of a file, and the most that it ever had in memory."""
    with file.open("rb") as opened:
        answer = json.loads(await pool.call(b"", opened.fileno()))
    return answer, status_bytes(child_of(pool), "VmHWM")


async def test_a_large_file_in_little_memory(start: Start, tmp_path: Path) -> None:
    """Scanning and hashing 1 GiB takes no more memory than 4 MiB do."""
    pool = await start(b"dropping")
    _, usual_peak = await scanned(pool, make_file(tmp_path / "small", 4 * MIB))
    found, peak = await scanned(pool, make_file(tmp_path / "large", GIB))
    assert isinstance(found, list)
    assert found[0] == [0, GIB // 2, GIB - len(NEEDLE)]
    assert peak < 150 * MIB
    assert peak < usual_peak + 96 * MIB


async def test_the_same_is_found(start: Start, tmp_path: Path) -> None:
    """Hits and hash are those that are found without dropping, which takes as much memory as the file is long."""
    file = make_file(tmp_path / "file", 256 * MIB)
    found, _ = await scanned(await start(b"dropping"), file)
    found_without, peak = await scanned(await start(b""), file)
    assert found == found_without
    assert peak > 256 * MIB


async def test_a_file_that_is_cut_off_meanwhile(start: Start, tmp_path: Path, until: Until) -> None:
    """Truncating a file under the mapping is YARA's error with the second thread too, and the child lives on."""
    file = make_file(tmp_path / "large", GIB)
    pool = await start(b"dropping")
    child = child_of(pool)
    usual = status_bytes(child, "VmSize")
    with file.open("rb") as opened:
        call = asyncio.create_task(pool.call(b"", opened.fileno()))
        await until(lambda: status_bytes(child, "VmSize") >= usual + GIB // 2)
        os.truncate(file, 4096)
        assert await call == b'could not map file "<data>" into memory'
        assert json.loads(await pool.call(b"", opened.fileno()))[0] == [0]
    assert child_of(pool) == child


class Recorder(mmap.mmap):
    """A mapping that says how often its pages were dropped, and can refuse it."""

    dropped = 0
    error: Exception | None = None

    def __len__(self) -> int:
        return 64 * MIB

    def madvise(self, option: int, start: int = 0, length: int = 0) -> None:
        assert option == mmap.MADV_DONTNEED
        self.dropped += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def dropper(monkeypatch: pytest.MonkeyPatch) -> PageDropper:
    """A thread of this process, that ends with it."""
    dropper = PageDropper()
    monkeypatch.setattr("sampler.sandbox.pages._droppers", [dropper])
    dropper.start()
    return dropper


async def test_as_long_as_the_body_runs(dropper: PageDropper, until: Until) -> None:
    """Pages are dropped again and again while the body runs, and not any more when it has ended."""
    mapping = Recorder(-1, 4096)
    with dropping_pages(mapping):
        await until(lambda: mapping.dropped > 2)
    dropped = mapping.dropped
    other = Recorder(-1, 4096)
    with dropping_pages(other):
        await until(lambda: other.dropped > 2)
    assert mapping.dropped == dropped


async def test_a_mapping_that_stays(dropper: PageDropper, until: Until) -> None:
    """A mapping whose pages cannot be dropped is left alone, and the next one is served."""
    refusing = Recorder(-1, 4096)
    refusing.error = OSError("it is locked")
    with dropping_pages(refusing):
        await until(lambda: refusing.dropped > 0)
        await until(lambda: dropper._mapping is None)
    assert refusing.dropped == 1
    willing = Recorder(-1, 4096)
    with dropping_pages(willing):
        await until(lambda: willing.dropped > 0)


def test_small_content(dropper: PageDropper) -> None:
    """Bytes and small mappings are not handed to the thread."""
    with mmap.mmap(-1, 4096) as small, dropping_pages(small), dropping_pages(b"bytes"):
        assert dropper._mapping is None


def test_no_thread_outside_of_children() -> None:
    """Where there is no such thread, the body runs as it would without."""
    threads = threading.active_count()
    with dropping_pages(Recorder(-1, 4096)):
        assert threading.active_count() == threads
