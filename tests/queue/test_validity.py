"""How long verdicts answer for the same bytes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sampler.model import Conclusion
from sampler.queue import Validity


@pytest.mark.parametrize(
    ("conclusion", "days"),
    [(Conclusion.MALICIOUS, 30), (Conclusion.SUSPICIOUS, 1), (Conclusion.BENIGN, 7), (Conclusion.UNKNOWN, 0)],
)
def test_each_conclusion_has_its_own_time(conclusion: Conclusion, days: int, now: datetime) -> None:
    """What is malicious stays so for long; what nobody could tell answers for nothing."""
    assert Validity().until(conclusion, now) == now + timedelta(days=days)


def test_what_is_not_named_answers_for_nothing(now: datetime) -> None:
    """An operator who names one conclusion only has no others kept."""
    assert Validity({Conclusion.BENIGN: 60.0}).until(Conclusion.MALICIOUS, now) == now
