"""Dropped files are flagged, each once, and what becomes of them is what was set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sampler.agent.dropping import DropWatcher
from sampler.agent.settings import DropSection
from sampler.errors import SpoolFull
from sampler.model import Candidate, ObjectRecord, ObjectState, Reason
from sampler.runtime.clock import SystemClock


class Flags:
    """Stands for the pipeline: remembers what was flagged, and answers with a state."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.ids: list[str] = []
        self.state = ObjectState.SPOOLED
        self.error: Exception | None = None

    async def __call__(self, candidate: Candidate) -> ObjectRecord:
        assert candidate.path is not None
        self.paths.append(Path(candidate.path.decode()).name)
        self.ids.append(candidate.event_id)
        if self.error is not None:
            raise self.error
        moment = candidate.received
        return ObjectRecord(candidate.event_id, self.state, moment, moment, candidate.peer.uid, Reason.POLICY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def flags() -> Flags:
    return Flags()


@asynccontextmanager
async def watching(folder: Path, flags: Flags, after: str = "keep") -> AsyncIterator[None]:
    settings = DropSection(folder=str(folder), settle_seconds=0.05, after=after)
    task = asyncio.create_task(DropWatcher(settings, flags, SystemClock()).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_is_there_at_the_start_and_what_comes_later(folder: Path, flags: Flags, tmp_path: Path) -> None:
    """Written there or moved there, each is flagged once."""
    (folder / "early").write_text("x")
    async with watching(folder, flags):
        await until(lambda: flags.paths == ["early"])
        (folder / "written").write_text("x")
        await until(lambda: len(flags.paths) == 2)
        (tmp_path / "moved").write_text("x")
        (tmp_path / "moved").rename(folder / "moved")
        await until(lambda: len(flags.paths) == 3)
    assert flags.paths == ["early", "written", "moved"]


async def test_after_a_restart_the_same_identifiers_are_used(folder: Path, flags: Flags) -> None:
    """So that the ledger knows what was flagged before."""
    (folder / "file").write_text("x")
    for times in (1, 2):
        async with watching(folder, flags):
            await until(lambda times=times: len(flags.ids) == times)  # type: ignore[misc]
    assert flags.ids[0] == flags.ids[1]


async def test_what_is_kept_elsewhere_is_removed(folder: Path, flags: Flags) -> None:
    """Where that was asked for."""
    (folder / "file").write_text("x")
    async with watching(folder, flags, after="remove"):
        await until(lambda: not (folder / "file").exists())


async def test_what_may_be_the_only_copy_stays(folder: Path, flags: Flags) -> None:
    """A file that was refused or could not be read is not thrown away, nor flagged again."""
    flags.state = ObjectState.REFUSED
    (folder / "a").write_text("x")
    async with watching(folder, flags, after="remove"):
        await until(lambda: flags.paths == ["a"])
        (folder / "b").write_text("x")
        await until(lambda: len(flags.paths) == 2)
    assert flags.paths == ["a", "b"]
    assert (folder / "a").exists()


async def test_a_host_that_is_full_takes_them_later(folder: Path, flags: Flags) -> None:
    """Nothing is done with until its outcome is durable; the next news brings the same identifier again."""
    flags.error = SpoolFull("full")
    (folder / "a").write_text("x")
    async with watching(folder, flags):
        await until(lambda: flags.paths == ["a"])
        flags.error = None
        (folder / "b").write_text("x")
        await until(lambda: sorted(set(flags.paths[1:])) == ["a", "b"])
    assert len(set(flags.ids)) == 2
