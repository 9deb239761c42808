"""How fast bodies leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.upload.pace import Pace


def test_no_pace() -> None:
    """Without a limit nobody waits."""
    assert Pace().wait_seconds(1 << 30, 0.0) == 0.0
    assert Pace().bodies_at_once(4) == 4


def test_a_line_that_rested_may_send_a_little_at_once() -> None:
    """Half a second's worth, however long it rested; what comes behind a piece waits for it."""
    pace = Pace(1000)
    assert pace.wait_seconds(500, 100.0) == pytest.approx(0.0)
    assert pace.wait_seconds(1000, 100.0) == pytest.approx(0.0)
    assert pace.wait_seconds(1, 100.0) == pytest.approx(1.0)


@given(st.lists(st.integers(1, 65_536), min_size=1, max_size=50), st.integers(1, 4))
def test_never_faster_than_it_may(pieces: list[int], senders: int) -> None:
    """Whoever waits as told stays below the rate, however many share the line."""
    rate = 100_000
    pace, now, sent = Pace(rate), 0.0, 0
    for start in range(0, len(pieces), senders):
        together = pieces[start : start + senders]
        now += max(pace.wait_seconds(piece, now) for piece in together)
        assert sent <= rate * (now + 0.5) + 1e-3
        sent += sum(together)


@pytest.mark.parametrize(("rate", "bodies"), [(1, 1), (65_536, 4), (1 << 20, 8)])
def test_a_slow_line_is_shared_by_few(rate: int, bodies: int) -> None:
    """So that each body keeps well above what a queue gives up."""
    assert Pace(rate).bodies_at_once(8) == bodies
