from __future__ import annotations

import pytest

from benchmarks.scan.figures import Spread, percentile, ratio


def test_a_spread_is_the_median_with_its_extremes() -> None:
    """The order of the values does not matter."""
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)


def test_a_ratio_is_of_medians_and_spreads_over_pairs() -> None:
    """Values that were taken one after the other make a pair."""
    assert ratio([2.0, 4.0, 9.0], [1.0, 4.0, 3.0]) == Spread(4.0 / 3.0, 1.0, 3.0)


def test_sides_of_different_length_have_no_ratio() -> None:
    """A run that is missing on one side is not passed over."""
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    """The nearest rank, never something between two values."""
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value
