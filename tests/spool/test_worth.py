"""What an object is worth: each of the four things that count, in the order that people would put objects in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import GIB, KIB, MIB
from sampler.spool import SEVERITY_MAX, Scale, Worth

SCALE = Scale(10 * GIB, {}, {})
severities = st.integers(0, SEVERITY_MAX)
sizes = st.integers(0, 4 * GIB)
shares = st.integers(0, 10 * GIB)
counts = st.integers(0, 1_000_000)


@given(severities, severities, sizes, shares)
def test_graver_is_worth_more(one: int, other: int, size: int, share: int) -> None:
    """With all else the same, the graver of two finds is worth more."""
    points = [SCALE.points(Worth("rule", severity), size, share) for severity in sorted((one, other))]
    assert points[0] <= points[1]
    assert (points[0] == points[1]) == (one == other)


@given(severities, sizes, sizes, shares)
def test_smaller_is_worth_no_less(severity: int, one: int, other: int, share: int) -> None:
    """With all else the same, the smaller of two is not worth less."""
    small, large = (SCALE.points(Worth("rule", severity), size, share) for size in sorted((one, other)))
    assert small >= large


@given(severities, sizes, counts, counts)
def test_rarer_is_worth_no_less(severity: int, size: int, one: int, other: int) -> None:
    """With all else the same, the find of a rule that is seen seldom is not worth less than one of every day."""
    seldom, often = sorted((one, other))
    points = [Scale(GIB, {}, {"rule": seen}).points(Worth("rule", severity), size, 0) for seen in (seldom, often)]
    assert points[0] >= points[1]


@given(severities, sizes, shares, shares)
def test_who_takes_less_is_worth_no_less(severity: int, size: int, one: int, other: int) -> None:
    """With all else the same, the object of the group with less of the spool is not worth less."""
    modest, greedy = sorted((one, other))
    assert SCALE.points(Worth("rule", severity), size, modest) >= SCALE.points(Worth("rule", severity), size, greedy)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        pytest.param(((100, 4 * KIB), 0, 0), ((0, 4 * KIB), 0, 0), id="critical before harmless"),
        pytest.param(((100, 4 * KIB), 10_000, 0), ((0, 4 * KIB), 0, 0), id="critical of every day before harmless"),
        pytest.param(((50, 4 * KIB), 0, 0), ((50, 4 * KIB), 100, 0), id="the first before the hundredth"),
        pytest.param(((50, 64 * KIB), 0, 0), ((50, 256 * MIB), 0, 0), id="many small before one large"),
        pytest.param(((100, 256 * MIB), 0, 0), ((0, 256 * MIB), 0, 0), id="a large critical one before a large other"),
        pytest.param(
            ((25, 4 * KIB), 0, 0), ((100, 4 * KIB), 100_000, 6 * GIB), id="who does not flood before who does"
        ),
    ],
)
def test_as_people_would(more: tuple[tuple[int, int], int, int], less: tuple[tuple[int, int], int, int]) -> None:
    """Of two finds the one stays that people would keep."""

    def points(one: tuple[tuple[int, int], int, int]) -> float:
        (severity, size), seen, share = one
        return Scale(10 * GIB, {}, {"rule": seen}).points(Worth("rule", severity), size, share)

    assert points(more) > points(less)


@pytest.mark.parametrize("severity", [-1, 101])
def test_severities_that_are_none(severity: int) -> None:
    """A severity is 0 to 100."""
    with pytest.raises(ValueError, match="0 to 100"):
        Worth("rule", severity)
