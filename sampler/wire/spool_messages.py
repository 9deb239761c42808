"""What operators ask about what waits for delivery, on the agent's socket, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from sampler.limits import SPOOL_IDS_MAX_COUNT
from sampler.wire.messages import Id, Message


class SpoolGroup(Message, frozen=True, kw_only=True):
    """What of one rule waits, or of one user's objects that no rule knows."""

    group: str
    objects: int
    size_bytes: int
    severity: int
    """The worst of them, 0 to 100."""
    since: datetime
    """When the one that has waited longest was spooled."""


class SpoolStatus(Message, frozen=True, kw_only=True):
    """``GET /v1/spool`` on the agent's socket."""

    objects: int
    """That wait for delivery."""
    used_bytes: int
    """Contents that several objects share count once."""
    max_bytes: int
    free_bytes: int
    """On the spool's file system."""
    reserve_bytes: int
    evicted: int
    """Objects that ever made room, or were purged."""
    expired: int
    """Objects that ever waited too long."""
    key_made: datetime
    """When the key was made that encrypts what comes now."""
    next_due: datetime | None = None
    """When the next delivery may begin; ``None`` when nothing waits."""
    untold: int = 0
    """Ends that the journal has not heard of yet."""
    groups: list[SpoolGroup] = field(default_factory=list)
    """That with the most bytes first; empty for peers other than root and the agent's own user."""


class SpoolChoice(Message, frozen=True, kw_only=True):
    """``POST /v1/spool/retry`` and ``POST /v1/spool/purge``: which objects; ``None``: all that wait for delivery."""

    ids: Annotated[list[Id], Meta(max_length=SPOOL_IDS_MAX_COUNT)] | None = None


class SpoolDone(Message, frozen=True, kw_only=True):
    """What came of it."""

    objects: int
    """That are tried now and would have waited, or that ended."""
    ids: list[str] = field(default_factory=list)
    """Of those that were named and ended."""
