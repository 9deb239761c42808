"""The keeper of background tasks."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from sampler.runtime.tasks import TaskKeeper


async def test_an_error_in_one_task_is_logged_and_leaves_the_others() -> None:
    """A task that raises is named in the log; its neighbour goes on."""
    done = asyncio.Event()

    async def broken() -> None:
        raise ValueError("boom")

    async def sound() -> None:
        done.set()

    with capture_logs() as lines:
        async with TaskKeeper("test") as keeper:
            await keeper.start("broken", broken())
            keeper.start("sound", sound())
            await asyncio.wait_for(done.wait(), 5)
    assert [line["task"] for line in lines] == ["broken"]


async def test_leaving_cancels_what_is_left() -> None:
    """Nothing outlives its keeper, and cancellation is not swallowed."""

    async def forever() -> None:
        await asyncio.Event().wait()

    async with TaskKeeper("test") as keeper:
        task = keeper.start("forever", forever())
    assert task.done()
    with pytest.raises(asyncio.CancelledError):
        task.result()
