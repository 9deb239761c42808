"""Works that stand and fall together."""

from __future__ import annotations

import asyncio

import pytest

from sampler.upload.together import together


async def test_all_run_at_once() -> None:
    """None waits for another to end."""
    barrier = asyncio.Barrier(3)

    async def work() -> None:
        await barrier.wait()

    async with asyncio.timeout(10):
        await together(work() for _ in range(3))


async def test_the_first_that_fails_ends_the_others() -> None:
    """What it raised comes through as it is."""
    ended = asyncio.Event()

    async def fails() -> None:
        raise LookupError("this one")

    async def waits() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    with pytest.raises(LookupError, match="this one"):
        await together([waits(), fails()])
    assert ended.is_set()


async def test_nothing_to_do() -> None:
    """Is done."""
    await together([])
