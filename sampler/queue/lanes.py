"""The threads on which the queue uses its ledger, and how often a step is tried that met somebody else's."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from sampler.errors import Contended
from sampler.queue.convoy import Convoy
from sampler.queue.ports import Ledger
from sampler.runtime.blocking import Lane

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS: Final = 12
_FIRST_REST_SECONDS: Final = 0.001
_MOST_REST_SECONDS: Final = 0.2
_TURNS_SECONDS: Final = 0.02
"""So long, after one of them met another, steps of a name wait for their turn from the start; longer costs more than it
saves (benchmarks/queue_servers.py)."""


class Lanes:
    """As many lanes as threads may use the ledger at once; a step takes the one that was free last. Where there is only
    one, steps are committed together.

    Who comes first is served first: a caller that makes one step after the other cannot keep the others waiting.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lanes = tuple(Lane(f"queue-ledger-{number}") for number in range(ledger.at_once))
        self._free = list(self._lanes)
        self._convoy = Convoy(ledger, self._lanes[0]) if len(self._lanes) == 1 else None
        self._turns = asyncio.Semaphore(len(self._lanes))
        self._met: dict[str, float] = {}
        """Until when steps of a name wait for their turn from the start."""

    async def run(self, step: Callable[Concatenate[Ledger, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one step of the ledger.

        Raises:
            Contended: it met others each time that it was tried.
        """
        if self._convoy is not None:
            return await self._convoy.run(lambda: self._persistently(step, *args, **kwargs))
        async with self._turns:
            lane = self._free.pop()
            try:
                return await lane.run(lambda: self._persistently(step, *args, **kwargs))
            finally:
                self._free.append(lane)

    async def close(self) -> None:
        """Wait for what is under way, close the ledger and end the threads."""
        if self._convoy is not None:
            await self._convoy.end()
        for lane in self._lanes:
            await lane.run(_nothing)
        await self._lanes[0].run(self._ledger.close)
        for lane in self._lanes:
            await lane.close()

    def _persistently(self, step: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step until it meets nobody. Each time it was undone; it rests at random, and waits for its turn then.

        A step that met somebody a moment ago begins with its turn: where everybody wants the same, one after the other
        is faster than all again and again.
        """
        name = step.__qualname__
        for attempt in range(_ATTEMPTS):
            try:
                if attempt == 0 and time.monotonic() >= self._met.get(name, 0.0):
                    return step(self._ledger, *args, **kwargs)
                with self._ledger.turn():
                    return step(self._ledger, *args, **kwargs)
            except Contended:
                self._met[name] = time.monotonic() + _TURNS_SECONDS
                time.sleep(random.uniform(0, min(_MOST_REST_SECONDS, _FIRST_REST_SECONDS * 2**attempt)))  # noqa: S311  # no secret
        with self._ledger.turn():
            return step(self._ledger, *args, **kwargs)


def _nothing() -> None:
    """What a lane does last."""
