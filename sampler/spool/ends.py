"""Ends that this host decides by itself: for room, for age, by a person. Each is told to the journal, once at least."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from sampler.model import ObjectState
from sampler.spool.evicting import Resident

Why: TypeAlias = Literal["room", "age", "person"]


@dataclass(frozen=True, slots=True)
class Ended:
    """One object that ended without being delivered."""

    event_id: str
    state: ObjectState
    why: Why
    detail: str
    at: datetime


OnEnded: TypeAlias = Callable[[Ended], None]
"""Writes an end down for the owner; the same end may be told twice after a crash."""


@dataclass(frozen=True, slots=True)
class Departed:
    """What ended together."""

    event_ids: tuple[str, ...]
    contents: tuple[str, ...]
    """SHA-256 of what they needed until now."""


@dataclass(frozen=True, slots=True)
class Group:
    """What of one group waits: the objects of a rule, or those that one user flagged without one."""

    name: str
    objects: int
    size_bytes: int
    """Contents and manifests; what is shared counts for each."""
    severity: int
    """The worst of them, 0 to 100."""
    since: datetime
    """When the one that has waited longest was spooled."""


class EndsLedger(Protocol):
    """The part of a spool's ledger that knows what waits is worth; each method that changes something is one step."""

    def evictable(self, limit: int) -> tuple[Resident, ...]:
        """What waits for delivery and cannot be at the queue, those of least severity and greatest size first.

        That is what has contents of which no upload was begun, and what was never tried.
        """

    def groups(self) -> tuple[Group, ...]:
        """What waits for delivery, the group with the most bytes first."""

    def seen(self) -> Mapping[str, int]:
        """How many objects were ever spooled, by group."""

    def live(self, seconds: int) -> None:
        """The spool was at work for so much longer. Ages count this time alone, so a clock that jumps ends nothing."""

    def overdue(self, seconds: int, limit: int) -> tuple[str, ...]:
        """What has waited for delivery for so much of this time, or longer, the longest first."""

    def end_all(self, ends: Sequence[Ended]) -> Departed:
        """End those that wait for delivery, and remember that it is to be told; others stay as they are."""

    def untold(self, limit: int) -> tuple[Ended, ...]:
        """What ``end_all`` ended and ``told`` has not heard of."""

    def told(self, event_ids: Collection[str]) -> None:
        """The owner's journal has these ends."""

    def make_due(self, event_ids: Collection[str] | None, now: datetime) -> int:
        """Let what waits for delivery, these or all, be tried at once; how many would have waited longer."""
