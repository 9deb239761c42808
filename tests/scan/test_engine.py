"""The limits of one scan."""

from __future__ import annotations

from typing import Any

import pytest

from sampler.limits import HITS_PER_RULE_MAX_COUNT, MATCHES_MAX_COUNT, SCAN_TIMEOUT_SECONDS
from sampler.scan.engine import ScanLimits


def test_defaults() -> None:
    """Unless somebody asks for less, the ceilings hold, and every hit is looked for."""
    assert ScanLimits() == ScanLimits(
        timeout_seconds=SCAN_TIMEOUT_SECONDS,
        matches_max_count=MATCHES_MAX_COUNT,
        hits_per_rule_max_count=HITS_PER_RULE_MAX_COUNT,
        fast=False,
    )


@pytest.mark.parametrize(
    "limits",
    [
        {"timeout_seconds": 0},
        {"matches_max_count": -1},
        {"matches_max_count": MATCHES_MAX_COUNT + 1},
        {"hits_per_rule_max_count": -1},
        {"hits_per_rule_max_count": HITS_PER_RULE_MAX_COUNT + 1},
    ],
)
def test_what_cannot_be_a_limit(limits: dict[str, Any]) -> None:
    """No deadline, and more than a match or an answer may hold, cannot be asked for."""
    with pytest.raises(ValueError, match="not "):
        ScanLimits(**limits)
