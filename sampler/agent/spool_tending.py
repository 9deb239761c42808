"""Looking after what waits for delivery: its age, the journal's knowledge of what ended, the keys that encrypt it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from sampler.agent.places import AgentPlaces
from sampler.agent.settings import SpoolSection
from sampler.agent.spool_opening import key_ring
from sampler.errors import SamplerError
from sampler.limits import SPOOL_TEND_SECONDS
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.runtime.sealed_file import key_number
from sampler.spool import Spool

log = structlog.get_logger()

_ROUNDS_A_DAY: Final = int(86_400 / SPOOL_TEND_SECONDS)


@dataclass(frozen=True, slots=True)
class SpoolTender:
    """Looks now and then, until cancelled."""

    spool: Spool
    settings: SpoolSection
    places: AgentPlaces
    clock: Clock

    async def run(self) -> None:
        """Begin with what is due since the last process; unused keys are looked for once a day."""
        await self._round(0.0, with_keys=True)
        for number in itertools.count(1):
            await self.clock.sleep(SPOOL_TEND_SECONDS)
            await self._round(SPOOL_TEND_SECONDS, with_keys=number % _ROUNDS_A_DAY == 0)

    async def _round(self, seconds: float, *, with_keys: bool) -> None:
        try:
            await off_loop(self.tend, seconds)
            if with_keys:
                await off_loop(self.tend_keys)
        except (SamplerError, OSError) as error:
            log.error("the spool could not be looked after", reason=str(error))

    def tend(self, seconds: float) -> None:
        """Tell the journal what it missed, and end what has waited too long; blocking.

        Args:
            seconds: how long the agent has been at work since the last time.

        Raises:
            SpoolFull, JournalError, StorageError: it cannot be done now.
        """
        self.spool.upkeep.tell()
        self.spool.upkeep.live(int(seconds))
        if expired := self.spool.upkeep.expire(self.clock.now(), timedelta(days=self.settings.max_days)):
            log.warning("objects waited too long for delivery and ended", objects=expired)

    def tend_keys(self) -> None:
        """Make a new key when the latest is old, and remove those that nothing is encrypted with; blocking.

        Raises:
            SealError: a key is none.
            OSError: the disk fails.
        """
        keys, now = key_ring(self.places), self.clock.now()
        if keys.rotate(now, timedelta(days=self.settings.key_days)):
            log.info("a new key encrypts what lies on this host")
        for number in keys.forget(self._used(), now):
            log.info("a key that nothing is encrypted with was removed", number=number)

    def _used(self) -> set[int]:
        beside = (path for folder in (self.places.held, self.places.retained) for path in _files(folder))
        return self.spool.keys_used() | {number for path in beside if (number := key_number(path)) is not None}


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(folder.iterdir()) if folder.is_dir() else ()
