"""What a decision depends on beside its finding and its documents: local time, what left today, what was approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sampler.model import Spent

_NOTHING: Final = Spent()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The moment of a decision. By default nothing was sent yet, nobody approved anything, and the host is at UTC."""

    local_offset: timedelta = timedelta(0)
    """Of the host's time zone, ahead of UTC; for rules of the policy that hold at certain hours."""
    spent: Spent = _NOTHING
    """What was permitted in the last 24 hours."""
    approved: frozenset[str] | None = None
    """SHA-256 of the held contents that a person approved: only these are looked at, and holding does not stop them."""
    can_hold: bool = True
    """Whether the host has room for what a person has to approve."""


ORDINARY: Final = Circumstances()
"""Those of a first object of a day, on a host at UTC."""
