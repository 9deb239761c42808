"""No consent, no traffic: what talks to the queue runs only while a consent stands, and hangs up when it ends.

The gate is looked at before each request as well, in the one place through which all of them go. Only what takes
something back from the queue passes it without a consent (``traffic``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import structlog

from sampler.agent.consents import ConsentStore
from sampler.errors import ConsentError, JournalError
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_LOOK_SECONDS: Final = 0.5
"""How long a withdrawal takes at most to break off what is under way."""


class Line(Protocol):
    """What connects to the queue."""

    async def hang_up(self) -> None:
        """Close every connection; the next request makes a new one."""


class ConsentGate:
    """Says whether this host may talk to its queue at all."""

    def __init__(self, consents: ConsentStore, clock: Clock) -> None:
        self._consents = consents
        self._clock = clock
        self._open = asyncio.Event()
        self._shut = asyncio.Event()
        self._shut.set()

    @property
    def is_open(self) -> bool:
        """What the last look found."""
        return self._open.is_set()

    async def check(self) -> None:
        """Asked before each request.

        Raises:
            ConsentError: no consent stands.
            JournalError: the journal cannot be written.
        """
        consent = await off_loop(self._consents.load)
        if consent is None or not consent.stands(self._clock.now()):
            raise ConsentError("P1 no-consent: no consent stands, so nothing is said to the queue")

    async def watch(self, line: Line) -> None:
        """Look until cancelled, and hang up whenever the consent has ended."""
        while True:
            if await self._look() and not self._open.is_set():
                await line.hang_up()
            await self._clock.sleep(_LOOK_SECONDS)

    async def keep(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run something whenever a consent stands, and cancel it when none does any more, until cancelled."""
        while True:
            await self._open.wait()
            await self._while_open(work())

    async def _while_open(self, work: Coroutine[Any, Any, None]) -> None:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work)
            shutting = group.create_task(self._shut.wait())
            await asyncio.wait((working, shutting), return_when=asyncio.FIRST_COMPLETED)
            ended = working.done()
            working.cancel()
            shutting.cancel()
        if ended:
            await self._shut.wait()

    async def _look(self) -> bool:
        """Whether it is another than before."""
        before = self._open.is_set()
        try:
            await self.check()
        except (ConsentError, JournalError) as error:
            self._open.clear()
            self._shut.set()
            if before:
                log.warning("the line to the queue is shut", reason=str(error))
        else:
            self._shut.clear()
            self._open.set()
        return before is not self._open.is_set()
