"""Waiting before trying again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.runtime.backoff import Backoff


@given(st.integers(-3, 10_000), st.floats(0, 1, exclude_max=True))
def test_delay_stays_between_a_quarter_of_the_step_and_the_ceiling(attempt: int, chance: float) -> None:
    """Never no waiting at all, never more than the ceiling, however often it failed."""
    backoff = Backoff(first_seconds=0.5, most_seconds=60)
    assert 0.125 <= backoff.delay_seconds(attempt, chance) <= 60


def test_delay_doubles() -> None:
    """Each failure doubles the wait."""
    backoff = Backoff(first_seconds=1, most_seconds=1000)
    assert [backoff.delay_seconds(attempt, 1.0) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]
