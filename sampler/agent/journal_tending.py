"""Keeping the journal within the age that the operator set, and noting that it was quiet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from sampler.errors import JournalError
from sampler.journal import Journal
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock

log = structlog.get_logger()

_LOOK_SECONDS: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class JournalTender:
    """Looks at the journal now and then, until cancelled."""

    journal: Journal
    clock: Clock
    keep: timedelta

    async def run(self) -> None:
        """Begin with what became old while no agent ran."""
        while True:
            await self.tend()
            await self.clock.sleep(_LOOK_SECONDS)

    async def tend(self) -> None:
        """Look once; what cannot be done now is tried the next time."""
        try:
            removed = await off_loop(self.journal.tend, self.clock.now(), self.keep)
        except JournalError as error:
            log.error("the journal's old files stay for now", reason=str(error))
            return
        if removed:
            log.info("old files of the journal were removed", files=removed)
