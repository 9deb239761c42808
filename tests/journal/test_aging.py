from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sampler.journal.aging import QUIET, STEP_MAX, UNBEGUN

START = datetime(2026, 1, 1, tzinfo=UTC)
_moments = st.integers(0, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_ordinary_days_count_in_full() -> None:
    """A journal with an entry a week is as old as the calendar says."""
    witnessed = UNBEGUN
    for week in range(105):
        witnessed = witnessed.at(START + timedelta(days=7 * week))
    assert witnessed.passed == timedelta(days=728)


def test_a_jump_ahead_counts_as_one_step() -> None:
    """A clock that goes to 2050 makes nothing older than one step does."""
    witnessed = UNBEGUN.at(START).at(datetime(2050, 1, 1, tzinfo=UTC))
    assert witnessed.passed == STEP_MAX


@given(st.lists(_moments, min_size=1, max_size=20))
def test_time_never_runs_back_and_never_faster_than_its_steps(moments: list[datetime]) -> None:
    """Whatever the clock does, age only grows, by at most one step an entry, and never by more than the clock did."""
    witnessed = UNBEGUN
    for moment in moments:
        before = witnessed
        witnessed = witnessed.at(moment)
        assert timedelta() <= witnessed.passed - before.passed <= STEP_MAX
    assert witnessed.latest == max(moments)
    assert witnessed.passed <= max(moments) - moments[0]


def test_quiet_begins_before_time_is_lost() -> None:
    """The agent is told of quiet while the step still counts in full."""
    witnessed = UNBEGUN.at(START)
    assert not witnessed.is_quiet(START + QUIET - timedelta(seconds=1))
    assert witnessed.is_quiet(START + QUIET)
    assert QUIET < STEP_MAX
    assert not UNBEGUN.is_quiet(START)


def test_months_begin_by_the_latest_time() -> None:
    """A clock that went back begins no month, and neither does the first entry."""
    witnessed = UNBEGUN.at(datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    assert witnessed.begins_month(datetime(2026, 4, 1, tzinfo=UTC))
    assert not witnessed.begins_month(datetime(2026, 3, 1, tzinfo=UTC))
    assert not witnessed.begins_month(datetime(2025, 12, 1, tzinfo=UTC))
    assert not UNBEGUN.begins_month(START)
