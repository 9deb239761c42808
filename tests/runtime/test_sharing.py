"""Calls that callers share."""

from __future__ import annotations

import asyncio

import pytest

from sampler.runtime.sharing import SharedCalls


async def test_callers_of_one_key_share_one_call() -> None:
    """The second caller starts nothing and gets the first one's outcome."""
    calls: SharedCalls[int] = SharedCalls()
    go, count = asyncio.Event(), 0

    async def work() -> int:
        nonlocal count
        count += 1
        await go.wait()
        return count

    first = asyncio.create_task(calls.run("a", work))
    second = asyncio.create_task(calls.run("a", work))
    other = asyncio.create_task(calls.run("b", work))
    await asyncio.sleep(0)
    go.set()
    assert await first == await second
    assert await other == 2
    assert not calls.is_running("a")


async def test_a_caller_that_goes_away_leaves_the_call_running() -> None:
    """Cancelling one caller does not take the work from the other."""
    calls: SharedCalls[str] = SharedCalls()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    leaving = asyncio.create_task(calls.run("a", work))
    staying = asyncio.create_task(calls.run("a", work))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    go.set()
    assert await staying == "done"


async def test_closing_waits_for_what_is_under_way() -> None:
    """Nothing is cut off by closing, and a failed call does not stop it."""
    calls: SharedCalls[None] = SharedCalls()
    finished: list[str] = []

    async def sound() -> None:
        await asyncio.sleep(0)
        finished.append("sound")

    async def broken() -> None:
        raise ValueError("boom")

    waiting = [asyncio.create_task(calls.run("a", sound)), asyncio.create_task(calls.run("b", broken))]
    await asyncio.sleep(0)
    await calls.close()
    assert finished == ["sound"]
    assert isinstance((await asyncio.gather(*waiting, return_exceptions=True))[1], ValueError)
