"""What analysis concluded about an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sampler.limits import TEXT_MAX_CHARACTERS


class Conclusion(StrEnum):
    """The word of a verdict, from worst to unknown."""

    MALICIOUS = "malicious"
    SUSPICIOUS = "suspicious"
    BENIGN = "benign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one analyzer, or an analyst, concluded."""

    conclusion: Conclusion
    score: int
    """0 harmless … 100 certainly malicious."""
    analyzer: str
    at: datetime
    """UTC."""
    family: str | None = None
    note: str | None = None
    expires: datetime | None = None
    """UTC; until then it answers for the same bytes. ``None``: nobody said."""

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 100:
            raise ValueError(f"a score is 0 to 100, not {self.score}")
        for text in (self.analyzer, self.family or "", self.note or ""):
            if len(text) > TEXT_MAX_CHARACTERS:
                raise ValueError(f"a verdict's text has at most {TEXT_MAX_CHARACTERS} characters")
