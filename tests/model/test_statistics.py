"""Counters that cannot be wrong, because wrong ones cannot be made."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sampler.limits import OBJECT_MAX_BYTES, STATISTICS_CELLS_MAX_COUNT, STATISTICS_VALUE_MAX
from sampler.model.statistics import ALL, Count, Table, Tally, check_label, end_of, size_label, start_of

DAY = date(2026, 11, 24)


@pytest.mark.parametrize("value", [0, -1, STATISTICS_VALUE_MAX + 1])
def test_a_count_is_of_something_and_bounded(value: int) -> None:
    """What is 0 is not there, and no host is more than the ceiling."""
    with pytest.raises(ValueError, match="a count is 1 to"):
        Count(Table.OBJECTS, ALL, value)


def test_a_day_has_a_bounded_number_of_counters() -> None:
    """One more than are kept is an error of whoever makes it."""
    counts = tuple(Count(Table.BY_RULE, f"r{number}", 1) for number in range(STATISTICS_CELLS_MAX_COUNT + 1))
    assert Tally(DAY, counts[:-1]).counts[0].label == "r0"
    with pytest.raises(ValueError, match="at most"):
        Tally(DAY, counts)


def test_every_size_has_a_label_of_its_table() -> None:
    """From nothing to the largest object, and for one whose size is not known."""
    for size in (None, 0, 1, 2, 3, 1023, 1024, OBJECT_MAX_BYTES - 1, OBJECT_MAX_BYTES):
        check_label(Table.BY_SIZE, size_label(size))


def test_a_day_is_one_of_utc() -> None:
    """It ends where the next one begins."""
    assert start_of(DAY) == datetime(2026, 11, 24, tzinfo=UTC)
    assert end_of(DAY) == start_of(date(2026, 11, 25))
