"""Statistics over submissions by day: numbers that stay when what they are of is destroyed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from sampler.limits import ROLLUPS_PAGE_MAX_COUNT
from sampler.wire.messages import Message


class Dimension(StrEnum):
    """By what submissions are counted."""

    ALL = "all"
    RULE = "rule"
    """A submission counts once with each rule that matched it."""
    TYPE = "type"
    """MIME type of the content."""
    REASON = "reason"
    VERDICT = "verdict"
    REGION = "region"


class RollupLine(Message, frozen=True, kw_only=True):
    """One number of one day and tenant."""

    day: date
    """UTC, on which they came."""
    tenant: str
    by: Dimension
    label: str
    """``none``: there was nothing to say; ``other``: several names together."""
    objects: int
    bytes: int
    """Of their contents."""


class RollupPage(Message, frozen=True, kw_only=True):
    """``GET /v1/rollups?since=&until=&by=``, by day, tenant, what is counted by and label."""

    lines: Annotated[tuple[RollupLine, ...], Meta(max_length=ROLLUPS_PAGE_MAX_COUNT)] = ()
    more: bool = False
    """There are more than one answer holds; ask for fewer days."""
