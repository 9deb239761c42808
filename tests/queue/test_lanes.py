"""Steps of the ledger: on as many threads as it takes, again when they met somebody, and each in its turn then."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from sampler.errors import Contended, NotFound
from sampler.queue import Ledger
from sampler.queue.lanes import Lanes
from sampler.storage.memory_queue import MemoryQueueLedger

WAIT_SECONDS = 30


class Crowded(MemoryQueueLedger):
    """A ledger for two threads that counts turns."""

    at_once = 2

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        self.turns += 1
        yield


async def test_a_step_that_met_another_is_run_again_in_its_turn() -> None:
    """It is run until it meets nobody, from the second time on one at a time; whoever asked sees none of it."""
    ledger = Crowded()
    lanes = Lanes(ledger)
    meets = [Contended("met"), Contended("met")]

    def step(_: Ledger, answer: str) -> str:
        if meets:
            raise meets.pop()
        return answer

    assert await lanes.run(step, "done") == "done"
    assert ledger.turns == 2
    await lanes.close()


async def test_a_step_that_always_meets_somebody_ends() -> None:
    """Its error comes through in the end, as any other error does at once."""
    lanes = Lanes(Crowded())

    def always(_: Ledger) -> None:
        raise Contended("met")

    def never(_: Ledger) -> None:
        raise NotFound("no such thing")

    with pytest.raises(Contended):
        await lanes.run(always)
    with pytest.raises(NotFound):
        await lanes.run(never)
    await lanes.close()


async def test_steps_run_beside_each_other_where_the_ledger_takes_it() -> None:
    """Two steps that wait for each other both end."""

    lanes = Lanes(Crowded())
    both = threading.Barrier(2, timeout=WAIT_SECONDS)
    await asyncio.gather(*(lanes.run(lambda _: both.wait()) for _ in range(2)))
    await lanes.close()
