"""Clean-up under cancellation."""

from __future__ import annotations

import asyncio

import pytest

from sampler.worker.finishing import finish


async def test_cancelling_delays_but_does_not_interrupt() -> None:
    """Cancelled twice, the work still ends by itself, and only then does the cancellation come out."""
    go, began, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        began.set()
        await go.wait()
        ended.append(True)

    waiting = asyncio.create_task(finish(work()))
    await began.wait()
    for _ in range(2):
        waiting.cancel()
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [True]


async def test_an_error_of_the_work_comes_out() -> None:
    """What goes wrong in the clean-up is not hidden."""

    async def work() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await finish(work())
