"""Changes are told, and what cannot be told is looked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.agent.watching import watch
from sampler.runtime.clock import SystemClock


class CountingClock(SystemClock):
    """Does not wait; gives way so that others get on."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.01)


class Ear:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.count = 0

    def hear(self) -> None:
        self.count += 1

    async def heard(self, at_least: int) -> None:
        async with asyncio.timeout(30):
            while self.count < at_least:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(
    paths: list[Path], ear: Ear, clock: CountingClock, most_seconds: float = 600.0
) -> AsyncIterator[None]:
    task = asyncio.create_task(watch(paths, ear.hear, clock=clock, most_seconds=most_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


async def keep_changing(file: Path, ear: Ear, at_least: int) -> None:
    """A watch begins at some moment that nobody is told of: change until it is heard."""
    async with asyncio.timeout(30):
        while ear.count < at_least:
            file.write_text("changed")
            await asyncio.sleep(0.1)


async def test_changes_are_told(tmp_path: Path, ear: Ear, clock: CountingClock) -> None:
    """A file written somewhere below, long before the next look."""
    (tmp_path / "below").mkdir()
    async with watching([tmp_path], ear, clock):
        await keep_changing(tmp_path / "below" / "file", ear, 1)


async def test_without_changes_it_is_time_after_a_while(tmp_path: Path, ear: Ear, clock: CountingClock) -> None:
    """Whoever looks is told to look, in case that something was not told."""
    async with watching([tmp_path], ear, clock, most_seconds=0.5):
        await ear.heard(2)


async def test_an_absent_folder_is_found_when_it_comes(tmp_path: Path, ear: Ear, clock: CountingClock) -> None:
    """Until it is there, it is looked for from time to time; then its changes are told."""
    folder = tmp_path / "later"
    async with watching([folder], ear, clock):
        await ear.heard(3)
        assert set(clock.waits) == {600.0}
        folder.mkdir()
        await keep_changing(folder / "file", ear, ear.count + 5)


async def test_a_folder_that_was_exchanged_is_watched_anew(tmp_path: Path, ear: Ear, clock: CountingClock) -> None:
    """Changes in the new one of the same name are told."""
    folder = tmp_path / "folder"
    folder.mkdir()
    async with watching([folder], ear, clock, most_seconds=1.0):
        await keep_changing(folder / "file", ear, 1)
        folder.rename(tmp_path / "old")
        folder.mkdir()
        await ear.heard(ear.count + 3)
        await keep_changing(folder / "file", ear, ear.count + 1)
