"""Time as it decides about an owner's rights: it never goes back, so that nothing that expired comes back to life."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sampler.runtime.clock import Clock


class OwnersClock:
    """A clock that goes on from the latest moment that it, or the journal, ever saw.

    While the machine's clock is behind that moment, time goes on at the pace of the machine's monotonic one: what waits
    for a moment still comes to it. Any thread may ask.
    """

    def __init__(
        self, clock: Clock, floor: datetime | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``floor`` is a moment that is past for sure: that of the journal's last entry."""
        self._clock = clock
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._at = monotonic()
        self._latest = clock.now() if floor is None else max(floor, clock.now())

    def now(self) -> datetime:
        """The current time, UTC; never before one that was told already."""
        with self._guard:
            at = self._monotonic()
            self._latest = max(self._latest + timedelta(seconds=max(0.0, at - self._at)), self._clock.now())
            self._at = at
            return self._latest

    async def sleep(self, seconds: float) -> None:
        """As the machine's clock does."""
        await self._clock.sleep(seconds)
