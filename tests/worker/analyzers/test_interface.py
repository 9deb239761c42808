"""What an analyzer may answer."""

from __future__ import annotations

from typing import Any

import pytest

from sampler.model import Conclusion
from sampler.worker import AnalyzerVerdict


@pytest.mark.parametrize("score", [-1, 101])
def test_scores_are_0_to_100(score: int) -> None:
    """A score outside the range cannot exist."""
    with pytest.raises(ValueError, match="0 to 100"):
        AnalyzerVerdict(Conclusion.BENIGN, score)


@pytest.mark.parametrize("words", [{"family": "x" * 1025}, {"note": "x" * 1025}])
def test_texts_fit_the_wire(words: dict[str, Any]) -> None:
    """A verdict that the queue would refuse cannot exist."""
    with pytest.raises(ValueError, match="at most 1024 characters"):
        AnalyzerVerdict(Conclusion.BENIGN, 0, **words)
