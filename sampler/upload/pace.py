"""How fast bodies leave, all of one queue's together. Pure; time is passed in."""

from __future__ import annotations

from typing import Final

from sampler.limits import BODY_MIN_BYTES_PER_SECOND

_BURST_SECONDS: Final = 0.5
"""What a line that rested may send at once."""
_MARGIN: Final = 4
"""How much faster than the slowest rate that a queue puts up with each body has to be."""


class Pace:
    """A leaky bucket: each piece waits for as long as those before it are worth."""

    def __init__(self, bytes_per_second: int = 0) -> None:
        """0 is as fast as it goes."""
        self.bytes_per_second = bytes_per_second
        self._free_at = 0.0

    def wait_seconds(self, length: int, now: float) -> float:
        """How long to wait before ``length`` bytes; ``now`` is in seconds of a clock that never goes back."""
        if not self.bytes_per_second:
            return 0.0
        free_at = max(self._free_at, now - _BURST_SECONDS)
        self._free_at = free_at + length / self.bytes_per_second
        return max(free_at - now, 0.0)

    def bodies_at_once(self, most: int) -> int:
        """How many bodies, of at most ``most``, may share the line so that a queue takes none of them for stalled."""
        if not self.bytes_per_second:
            return most
        return max(1, min(most, self.bytes_per_second // (_MARGIN * BODY_MIN_BYTES_PER_SECOND)))
