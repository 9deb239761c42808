"""What all deliveries know of the queue together: whether to try it at all, and how many may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sampler.runtime.backoff import Backoff


class Circuit:
    """Closed while the queue answers. A failure opens it: nothing goes until ``retry_at``, then one probe at a time.

    Several deliveries that fail together are one failure: each names the ``generation`` it began in, and only the first
    of a generation counts.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0
        self.generation = 0
        self.retry_at: datetime | None = None
        """When the next probe may go; ``None`` while closed."""

    def room(self, now: datetime, busy: int, parallel: int) -> int:
        """How many deliveries may begin now, when ``busy`` are under way."""
        if self.retry_at is None:
            return max(parallel - busy, 0)
        return 1 if busy == 0 and now >= self.retry_at else 0

    def fail(self, now: datetime, generation: int, backoff: Backoff, *, at_least_seconds: float = 0.0) -> None:
        """The queue did not answer, or asked everybody to wait ``at_least_seconds``."""
        if generation != self.generation:
            return
        self.generation += 1
        self._failures += 1
        seconds = max(backoff.delay_seconds(self._failures, self._random()), at_least_seconds)
        self.retry_at = now + timedelta(seconds=seconds)

    def succeed(self) -> None:
        """The queue answered."""
        self._failures = 0
        self.retry_at = None
