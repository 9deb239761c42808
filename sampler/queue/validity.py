"""How long a verdict answers for the same bytes, on hosts and in look-ups. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sampler.model import Conclusion

DAY_SECONDS: Final = 86_400.0
DEFAULT_SECONDS: Final[Mapping[Conclusion, float]] = MappingProxyType(
    {
        Conclusion.MALICIOUS: 30 * DAY_SECONDS,
        Conclusion.SUSPICIOUS: DAY_SECONDS,
        Conclusion.BENIGN: 7 * DAY_SECONDS,
        Conclusion.UNKNOWN: 0.0,
    }
)
"""What is malicious stays so; what seemed harmless is looked at again after a week, what nobody could tell at once."""


@dataclass(frozen=True, slots=True)
class Validity:
    """Seconds by conclusion; 0: such a verdict answers for nothing."""

    seconds: Mapping[Conclusion, float] = field(default_factory=lambda: DEFAULT_SECONDS)

    def until(self, conclusion: Conclusion, at: datetime) -> datetime:
        """When a verdict that was given at a moment no longer answers for the same bytes."""
        return at + timedelta(seconds=self.seconds.get(conclusion, 0.0))
