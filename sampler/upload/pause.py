"""Waiting that can be cut short."""

from __future__ import annotations

import asyncio

from sampler.runtime.clock import Clock


async def pause(signal: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Return when ``signal`` is set or ``seconds`` of the clock have gone by, whichever is first."""
    waits = {asyncio.create_task(_until(signal)), asyncio.create_task(clock.sleep(seconds))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _until(signal: asyncio.Event) -> None:
    await signal.wait()
