"""When large contents may travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import SettingsError
from sampler.runtime.hours import Hours

WEDNESDAY = datetime(2026, 11, 25, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def _waits(windows: list[str], *hours: float) -> list[float]:
    opened = Hours(windows, UTC)
    return [opened.wait_seconds(WEDNESDAY + timedelta(hours=hour)) / 3600 for hour in hours]


def test_no_windows() -> None:
    """Always."""
    assert Hours().wait_seconds(WEDNESDAY) == 0.0


def test_a_window_of_every_day() -> None:
    """From its beginning to its end, which does not belong to it."""
    assert _waits(["09:00-17:30"], 8, 9, 17, 17.5, 23) == [1, 0, 0, 15.5, 10]


def test_a_window_past_midnight() -> None:
    """It ends on the day after the one that it began on."""
    assert _waits(["22:00-06:00"], 0, 5.5, 6, 22, 23.5) == [0, 0, 16, 0, 0]


def test_a_window_of_some_days() -> None:
    """On Wednesday the weekend is not yet; whole days end at midnight."""
    assert _waits(["sat sun 00:00-24:00"], 0, 72, 119.5, 120) == [72, 0, 0, 120]


def test_a_night_belongs_to_the_day_that_it_begins_on() -> None:
    """Thursday's first hours are Wednesday's night."""
    assert _waits(["wed 22:00-06:00"], 0, 23, 29, 30) == [22, 0, 0, 7 * 24 - 8]


def test_the_nearest_of_several_windows() -> None:
    """Whichever opens first."""
    assert _waits(["12:00-13:00", "04:00-05:00"], 0, 5, 12.5) == [4, 7, 0]


def test_the_wall_clock_of_the_host_counts() -> None:
    """Also on the night on which it is set forward: what begins at three begins an hour sooner."""
    before = datetime(2026, 3, 28, 23, 30, tzinfo=BERLIN)
    assert Hours(["03:00-04:00"], BERLIN).wait_seconds(before) == 2.5 * 3600
    assert Hours(["00:00-24:00"]).wait_seconds(before) == 0.0


@given(st.integers(0, 7 * 24 * 60), st.integers(0, 1439), st.integers(0, 1439))
def test_after_the_wait_it_is_open(minute: int, begin: int, end: int) -> None:
    """Whatever the hours, whoever waits as told may go, and never waits longer than a day."""
    hours = Hours([f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"], UTC)
    now = WEDNESDAY + timedelta(minutes=minute)
    wait = hours.wait_seconds(now)
    assert 0 <= wait <= 86_400
    assert hours.wait_seconds(now + timedelta(seconds=wait)) == 0.0


@pytest.mark.parametrize("text", ["", "9-17", "24:00-06:00", "09:00-25:00", "mon,tue 09:00-10:00", "x 09:00-10:00\n"])
def test_what_are_no_hours(text: str) -> None:
    """The message says how they are written."""
    with pytest.raises(SettingsError, match="22:00-06:00"):
        Hours([text])
