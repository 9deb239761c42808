from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from sampler.cli.worker import run_all
from sampler.errors import QueueRefused
from sampler.worker import Worker


class Scripted:
    """Works until it is cancelled, or is refused."""

    def __init__(self, *, refused: bool = False) -> None:
        self.refused = refused
        self.cancelled = False

    async def run(self, *, once: bool) -> None:
        if self.refused:
            raise QueueRefused("no such token", 401)
        try:
            await asyncio.sleep(0 if once else 3600)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def _workers(*made: Any) -> list[Worker]:
    return [cast(Worker, each) for each in made]


async def test_a_refused_token_ends_all_workers_with_its_reason() -> None:
    """Whoever started them sees the queue's own words, not a group of errors."""
    working = Scripted()
    with pytest.raises(QueueRefused, match="no such token"):
        await run_all(_workers(working, Scripted(refused=True)), once=False)
    assert working.cancelled


async def test_all_end_when_nothing_waits() -> None:
    """With ``--once`` every one of them comes to its end."""
    await run_all(_workers(Scripted(), Scripted()), once=True)
