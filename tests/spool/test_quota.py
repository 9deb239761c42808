"""Whether one more object fits."""

from __future__ import annotations

import pytest

from sampler.limits import MIB
from sampler.spool import Fill, Quota, obstacle

_QUOTA = Quota(max_bytes=100 * MIB, reserve_bytes=10 * MIB)


@pytest.mark.parametrize(
    ("fill", "needed", "fits"),
    [
        (Fill(0, 0, 200 * MIB), 100 * MIB, True),
        (Fill(0, 0, 200 * MIB), 100 * MIB + 1, False),
        (Fill(60 * MIB, 30 * MIB, 200 * MIB), 10 * MIB, True),
        (Fill(60 * MIB, 30 * MIB, 200 * MIB), 10 * MIB + 1, False),
        (Fill(0, 0, 20 * MIB), 10 * MIB, True),
        (Fill(0, 0, 20 * MIB), 10 * MIB + 1, False),
        (Fill(0, 5 * MIB, 20 * MIB), 5 * MIB + 1, False),
        (Fill(100 * MIB, 0, 200 * MIB), 0, True),
    ],
)
def test_bounds(fill: Fill, needed: int, fits: bool) -> None:
    """It fits up to the last byte of quota and reserve, what is being written counted in, and not one byte further."""
    assert (obstacle(_QUOTA, fill, needed) is None) == fits


@pytest.mark.parametrize(("most", "reserve"), [(0, 0), (-1, 0), (1, -1)])
def test_quotas_that_are_none(most: int, reserve: int) -> None:
    """A quota has room, and keeps free nothing or more."""
    with pytest.raises(ValueError, match="not a quota"):
        Quota(most, reserve)
