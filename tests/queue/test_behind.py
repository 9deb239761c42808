"""Work behind its caller's back."""

from __future__ import annotations

import asyncio

import pytest

from sampler.queue.behind import Behind


async def test_one_piece_at_a_time() -> None:
    """The caller goes on at once, and waits before the next one begins."""
    order: list[str] = []
    gate = asyncio.Event()

    async def work(name: str) -> None:
        order.append(f"{name} begins")
        await gate.wait()
        order.append(f"{name} ends")

    async with Behind() as behind:
        await behind.start(work("a"))
        order.append("meanwhile")
        asyncio.get_running_loop().call_soon(gate.set)
        await behind.start(work("b"))
        await behind.end()
    assert order == ["meanwhile", "a begins", "a ends", "b begins", "b ends"]


async def test_what_it_raises_is_raised_once() -> None:
    """By whatever comes next, which does not begin."""
    begun = False

    async def fails() -> None:
        raise LookupError

    async def begins() -> None:
        nonlocal begun
        begun = True

    async with Behind() as behind:
        await behind.start(fails())
        with pytest.raises(LookupError):
            await behind.start(begins())
        await behind.end()
    assert not begun


async def test_a_caller_that_is_cancelled_does_not_leave_it_behind() -> None:
    """What is under way has ended before whoever cleans up does."""
    gate, order = asyncio.Event(), list[str]()

    async def work() -> None:
        await gate.wait()
        order.append("work")

    async def caller() -> None:
        try:
            async with Behind() as behind:
                await behind.start(work())
                await behind.end()
        finally:
            order.append("caller")

    running = asyncio.create_task(caller())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert order == ["work", "caller"]
