"""Steps of a ledger that takes one at a time, committed together.

A commit costs a sync of the disk, whatever it brings. While one is under way further steps come; they are run one after
the other, each undone by itself when it fails, and become durable by one commit. Nobody hears of a step before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sampler.errors import StorageError, StorageFull
from sampler.queue.ports import Ledger
from sampler.runtime.blocking import Lane

T = TypeVar("T")

_TOGETHER_MAX_COUNT: Final = 64


@dataclass(frozen=True, slots=True)
class _Call:
    """A step, and who waits for it."""

    step: Callable[[], Any]
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a step returned, or raised."""

    value: Any = None
    error: Exception | None = None

    @classmethod
    def of(cls, step: Callable[[], Any]) -> _Outcome:
        """Run it: the boundary of a step, whose bugs are its caller's and nobody else's."""
        try:
            return cls(step())
        except Exception as error:  # noqa: BLE001  # it is handed to whoever waits, and raised there
            return cls(error=error)

    def tell(self, answer: asyncio.Future[Any]) -> None:
        """Let whoever waits have it; who does not wait any more has nothing to be told."""
        if answer.done():
            return
        if self.error is None:
            answer.set_result(self.value)
        else:
            answer.set_exception(self.error)


class Convoy:
    """One lane and its ledger. Steps run in the order of asking."""

    def __init__(self, ledger: Ledger, lane: Lane) -> None:
        self._ledger = ledger
        self._lane = lane
        self._waiting: list[_Call] = []
        self._driver: asyncio.Task[None] | None = None

    async def run(self, step: Callable[[], T]) -> T:
        """Run a step; durable when it returns. It does nothing but read and write the ledger, and may be run twice: the
        first time was undone then."""
        call = _Call(step, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive(), name="queue-ledger")
        answer: T = await call.answer
        return answer

    async def end(self) -> None:
        """Wait for all steps that were asked for."""
        if self._driver is not None:
            await self._driver

    async def _drive(self) -> None:
        while calls := self._next():
            outcomes = await self._lane.run(self._together, [call.step for call in calls])
            for call, outcome in zip(calls, outcomes, strict=True):
                outcome.tell(call.answer)

    def _next(self) -> Sequence[_Call]:
        """Those that were asked for first; a caller that was cancelled by now is not waited for, nor begun for."""
        calls = [call for call in self._waiting if not call.answer.done()]
        self._waiting = calls[_TOGETHER_MAX_COUNT:]
        return calls[:_TOGETHER_MAX_COUNT]

    def _together(self, steps: Sequence[Callable[[], Any]]) -> list[_Outcome]:
        """Blocking. Where the ledger could not keep them together each is run, and fails, by itself."""
        if len(steps) == 1:
            return [_Outcome.of(steps[0])]
        try:
            with self._ledger.together():
                return [_Outcome.of(step) for step in steps]
        except (StorageError, StorageFull):
            return [_Outcome.of(step) for step in steps]
