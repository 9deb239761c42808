"""How long to wait before trying again; pure, randomness is passed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting with full jitter between a quarter and the whole of each step."""

    first_seconds: float = 0.5
    most_seconds: float = 300.0
    factor: float = 2.0

    def delay_seconds(self, attempt: int, chance: float) -> float:
        """Seconds to wait after the ``attempt``-th failure (from 1); ``chance`` is uniform in [0, 1)."""
        exponent = min(max(attempt, 1) - 1, 64)
        step = min(self.most_seconds, self.first_seconds * self.factor**exponent)
        return step * (0.25 + 0.75 * chance)
