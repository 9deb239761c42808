from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from sampler.cli.moments import MOMENT


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25", datetime(2026, 11, 25, tzinfo=UTC)),
        ("2026-11-25T12:30:00Z", datetime(2026, 11, 25, 12, 30, tzinfo=UTC)),
        ("2026-11-25T12:30:00+02:00", datetime(2026, 11, 25, 10, 30, tzinfo=UTC)),
    ],
)
def test_dates_are_utc(text: str, moment: datetime) -> None:
    """Where nothing else is said."""
    assert MOMENT.convert(text, None, None) == moment


@pytest.mark.parametrize(("text", "ago"), [("90m", 90), ("12 h", 720), ("7d", 10_080), ("2w", 20_160)])
def test_as_long_ago(text: str, ago: int) -> None:
    """Minutes, hours, days and weeks before now."""
    before = datetime.now(UTC)
    moment = MOMENT.convert(text, None, None)
    assert timedelta() <= before - moment + timedelta(minutes=1) - timedelta(minutes=ago) <= timedelta(minutes=1)


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "", "100000w", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The answer says what to write."""
    with pytest.raises(click.BadParameter, match="is no time; write"):
        MOMENT.convert(text, None, None)
