"""Which task comes before which. Pure.

Points, 0 to 100, say how urgent a task is when it appears: by the worst severity of the rules that matched, by why the
object was flagged, and by how rare its contents are. Waiting makes up for missing points at a fixed rate, the same for
all. So the order among waiting tasks never changes by time alone, and one moment, a task's *rank*, puts them in order:
the task with the earliest comes first. No task is overtaken by any that appears ``100 * AGEING`` later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sampler.model import Reason
from sampler.wire.messages import Fields, Manifest

POINTS_MAX: Final = 100
AGEING: Final = timedelta(minutes=10)
"""So long a task waits to make up for one point."""
COMMON_COUNT: Final = 10
"""Submissions that offer a content, from which on it is not rare at all."""
_REASON_FIELD: Final = "event.reason"
_SEVERITY_FIELD: Final = "sampler.rule.severity"

_SEVERITIES: Final[Mapping[str, int]] = {"critical": 50, "high": 40, "medium": 25, "low": 10, "info": 0}
_NO_SEVERITY: Final = 10
"""Of a rule that says none, and of an object that a scanner found and no rule matched."""
_REASONS: Final[Mapping[str, int]] = {
    Reason.ANALYST: 30,  # a person waits for the answer
    Reason.DETECTION: 20,
    Reason.TRUSTED: 5,
    Reason.POLICY: 0,
}
_NEW: Final = 20
_RARE: Final = 10


def points(manifest: Manifest, *, offered: int) -> int:
    """How urgent a submission's task is, from 0 to ``POINTS_MAX``.

    Args:
        manifest: as its host wrote it. A host can claim what it likes: that is why ageing is bounded and shares are
            dealt out by tenant.
        offered: how many submissions offer the rarest of its contents, itself included; counted up to ``COMMON_COUNT``.
    """
    reason = _REASONS.get(str(manifest.fields.get(_REASON_FIELD, "")), 0)
    return _severity(manifest.matches) + reason + _rarity(offered)


def rank(created: datetime, priority: int) -> datetime:
    """When a task without any points would have had to appear to stand where this one does."""
    return created - priority * AGEING


def _severity(matches: Sequence[Fields]) -> int:
    named = [str(match.get(_SEVERITY_FIELD, "")).lower() for match in matches]
    return max((_SEVERITIES.get(each, _NO_SEVERITY) for each in named), default=_NO_SEVERITY)


def _rarity(offered: int) -> int:
    if offered <= 1:
        return _NEW
    return _RARE if offered < COMMON_COUNT else 0
