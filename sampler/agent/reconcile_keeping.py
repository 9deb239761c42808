"""The agent's own reconciling at its start: this host's records at once, the queue's once it can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from sampler.agent.reconciling import Reconciler
from sampler.errors import SamplerError
from sampler.runtime.backoff import Backoff
from sampler.runtime.clock import Clock
from sampler.upload import QueueLink
from sampler.wire.reconcile_messages import Difference

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=5.0, most_seconds=600.0)
_LOGGED_MAX_COUNT: Final = 100


@dataclass(slots=True)
class ReconcileKeeper:
    """Runs both parts once, logs what differs, and remembers how many there were."""

    reconciler: Reconciler
    clock: Clock
    random: Callable[[], float]
    here: str = "not looked at yet"
    queue: str = "not asked yet"
    failures: int = 0

    @property
    def status(self) -> str:
        """One line for ``sampler agent status``."""
        return f"this host: {self.here}; the queue: {self.queue}"

    async def run_local(self) -> None:
        """This host's records; what cannot be read is said, and stops nothing else."""
        try:
            self.here = await self._said(self.reconciler.local())
        except SamplerError as error:
            log.error("this host's records cannot be reconciled", reason=str(error))
            self.here = str(error)

    async def run_queue(self, link: QueueLink) -> None:
        """This host's records and the queue's, tried again until the queue has answered."""
        while True:
            try:
                self.queue = await self._said(self.reconciler.queue(link.recalls))
            except SamplerError as error:
                self.failures += 1
                self.queue = f"not asked to the end: {error}"
                await self.clock.sleep(_BACKOFF.delay_seconds(self.failures, self.random()))
            else:
                return

    async def _said(self, differences: AsyncIterator[Difference]) -> str:
        count = 0
        async for each in differences:
            count += 1
            if count <= _LOGGED_MAX_COUNT:
                log.warning("records differ", id=each.id, where=each.where, code=each.code, what=each.what)
        when = f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        return f"{count} differences at {when}, see sampler reconcile" if count else f"all accounted for at {when}"
