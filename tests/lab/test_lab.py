"""A few rounds of what ``make lab`` does a thousand times."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab import faults
from lab.accounting import account
from lab.faults import Injection
from lab.load import Load
from sampler.cli.demo_lab import Lab

KILLS = 2
"""Of the agent and of the queue, with this seed."""
INJECTIONS = (
    Injection("agent", "fsync,fdatasync", "signal=KILL", 9),
    Injection("queue", "fsync,fdatasync", "error=EIO", 9),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="smp-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def lab(folder: Path) -> AsyncIterator[Lab]:
    """Queue, agent and worker at work."""
    made = Lab(folder)
    try:
        await made.set_up("extended")
        await made.start_worker()
        yield made
    finally:
        await made.stop()


@pytest.mark.timeout(900)
async def test_nothing_promised_is_lost_or_counted_twice(lab: Lab) -> None:
    """Agent, queue and worker are killed at random times and at durable steps, and calls of theirs fail."""
    load, chance = Load(lab, random.Random(1), lab.folder / "objects"), random.Random(2)
    async with load.going_on():
        for _ in range(KILLS):
            await faults.kill_at_random(lab, load, chance)
        for injection in INJECTIONS:
            await faults.inject(lab, load, injection)
    sums = await account(lab, load.acknowledged)
    assert sums.acknowledged > KILLS + len(INJECTIONS)
    assert sums.is_clean, sums
