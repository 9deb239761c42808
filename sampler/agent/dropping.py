"""Flagging what is dropped into a folder: a few at a time, each once, and again when it changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog

from sampler.agent.settings import DropSection
from sampler.agent.watching import watch
from sampler.errors import JournalError, RequestError, SandboxError, SpoolError
from sampler.intake.drop import DropFolder, Dropped, Look
from sampler.limits import DROPPED_KNOWN_MAX_COUNT
from sampler.model import Candidate, ObjectRecord, ObjectState
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_LOOK_SECONDS: Final = 60.0
"""How often the folder is looked at without any news of it, and after a failure."""
_AT_ONCE: Final = 4
_KEPT: Final = frozenset(
    {ObjectState.SPOOLED, ObjectState.HELD, ObjectState.DELIVERED, ObjectState.DUPLICATE, ObjectState.KNOWN}
)
"""What may leave of the object is kept elsewhere; in any other state the file may be all that there is."""


class DropWatcher:
    """Looks into the folder and flags what is there, until cancelled.

    There is no queue that could grow: what waits, waits in the folder. Which files are done with is remembered up to a
    bound, and beyond it by the ledger, which knows every identifier.

    Args:
        settings: which folder, and what becomes of its files.
        flag: takes a candidate to a durable outcome.
        clock: to wait by, and what time it is.
    """

    def __init__(
        self, settings: DropSection, flag: Callable[[Candidate], Awaitable[ObjectRecord]], clock: Clock
    ) -> None:
        self._path = Path(settings.folder)
        self._folder = DropFolder(self._path, settings.settle_seconds)
        self._removes = settings.after == "remove"
        self._flag = flag
        self._clock = clock
        self._done: OrderedDict[str, None] = OrderedDict()
        self._told: OrderedDict[bytes, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._wake.set()

    async def run(self) -> None:
        """Begin with what is there already."""
        async with asyncio.TaskGroup() as group:
            hint = watch((self._path,), self._wake.set, clock=self._clock, most_seconds=_LOOK_SECONDS, deep=False)
            group.create_task(hint)
            while True:
                self._wake.clear()
                seconds = await self._pass()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._wake.wait()

    async def _pass(self) -> float | None:
        """Flag all that has settled; how many seconds until there may be more, if that is known."""
        look = Look()
        try:
            while (look := await self._look(after=look)).ready:
                for start in range(0, len(look.ready), _AT_ONCE):
                    await asyncio.gather(*map(self._take, look.ready[start : start + _AT_ONCE]))
        except RequestError as error:
            log.warning("the drop folder is left alone", reason=str(error))
            return None
        except (SpoolError, JournalError, SandboxError) as error:
            log.error("dropped files wait, since this host can take none now", reason=str(error))
            return _LOOK_SECONDS
        return look.wait_seconds

    async def _look(self, *, after: Look) -> Look:
        now_ns = int(self._clock.now().timestamp() * 1_000_000_000)
        last = after.ready[-1].path if after.ready else b""
        look = await off_loop(self._folder.look, now_ns, self._done, after=last)
        for path, reason in look.refused:
            if _remember(self._told, path):
                log.warning("a dropped file is not taken", path=os.fsdecode(path), reason=reason)
        return look

    async def _take(self, dropped: Dropped) -> None:
        record = await self._flag(dropped.candidate(self._clock.now()))
        log.info("a dropped file was flagged", event_id=record.event_id, state=record.state.value)
        if self._removes and record.state in _KEPT and await off_loop(self._folder.remove, dropped):
            return
        _remember(self._done, dropped.event_id)


def _remember(known: OrderedDict[Any, None], key: str | bytes) -> bool:
    """Whether it is new; beyond the bound the oldest is forgotten."""
    if key in known:
        return False
    known[key] = None
    if len(known) > DROPPED_KNOWN_MAX_COUNT:
        known.popitem(last=False)
    return True
