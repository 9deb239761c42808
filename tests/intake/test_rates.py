from __future__ import annotations

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.intake.rates import Rates
from sampler.model import Peer

SECOND = 1_000_000_000
ROOT, ME = Peer(0, 0, 1), Peer(os.geteuid(), os.getegid(), 1)


def user(number: int) -> Peer:
    return Peer(1_000_000 + number, 1_000_000, 1)


def test_a_burst_then_the_rate() -> None:
    """What was saved up goes at once, then one more each interval."""
    rates = Rates(10, 3)
    assert [rates.wait_ns(user(1), 0) == 0 for _ in range(5)] == [True, True, True, False, False]
    assert rates.wait_ns(user(1), SECOND // 10 - 1) == 1
    assert rates.wait_ns(user(1), SECOND // 10) == 0
    assert rates.wait_ns(user(1), SECOND // 10) == SECOND // 10


def test_rest_saves_up_no_more_than_a_burst() -> None:
    """A user that was away for a year has a burst, not a year's requests."""
    rates = Rates(10, 3)
    rates.wait_ns(user(1), 0)
    year = 365 * 86400 * SECOND
    assert [rates.wait_ns(user(1), year) == 0 for _ in range(4)] == [True, True, True, False]


def test_users_do_not_pay_for_each_other() -> None:
    """Each has its own bucket."""
    rates = Rates(1, 1)
    assert rates.wait_ns(user(1), 0) == 0
    assert rates.wait_ns(user(1), 0) == SECOND
    assert rates.wait_ns(user(2), 0) == 0


@pytest.mark.parametrize("peer", [ROOT, ME])
def test_root_and_the_agents_user_are_not_limited(peer: Peer) -> None:
    """Who could stop the agent anyway is not slowed, nor remembered."""
    rates = Rates(1, 1)
    assert {rates.wait_ns(peer, 0) for _ in range(1000)} == {0}
    assert len(rates) == 0


def test_users_without_number_cost_no_memory_and_get_one_share() -> None:
    """Beyond those that are remembered all have one bucket together, until some are forgotten."""
    rates = Rates(1, 1, most_users=10)
    admitted = [number for number in range(1000) if rates.wait_ns(user(number), 0) == 0]
    assert admitted == list(range(11))
    assert len(rates) == 11
    assert [rates.wait_ns(user(number), SECOND) for number in range(500, 505)] == [0, 0, 0, 0, 0]
    assert len(rates) == 5


@given(
    st.floats(0.01, 1e6),
    st.integers(1, 50),
    st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=100),
)
def test_waiting_as_long_as_was_said_admits(per_second: float, burst: int, pauses: list[int]) -> None:
    """Whole seconds rounded up are never too short, whatever came before."""
    rates, now = Rates(per_second, burst), 0
    for pause in pauses:
        now += pause
        if wait_ns := rates.wait_ns(user(1), now):
            now += math.ceil(wait_ns / SECOND) * SECOND
            assert rates.wait_ns(user(1), now) == 0


@given(st.floats(0.1, 1000), st.integers(1, 20), st.lists(st.integers(0, SECOND), max_size=200))
def test_never_more_than_burst_and_rate(per_second: float, burst: int, pauses: list[int]) -> None:
    """However the requests are spread, no more are admitted than the bucket has held in all."""
    rates, now, admitted = Rates(per_second, burst), 0, 0
    for pause in pauses:
        now += pause
        admitted += rates.wait_ns(user(1), now) == 0
    assert admitted <= burst + now / round(SECOND / per_second)
