"""How long what came in is kept: what is due, running it, and holds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta

from sampler.limits import HOLDS_PAGE_MAX_COUNT, RETENTION_BATCH_MAX_COUNT, RETENTION_PAGE_MAX_COUNT
from sampler.wire.messages import Id, Message, Text


class Part(StrEnum):
    """What of a submission is destroyed."""

    CONTENTS = "contents"
    """Its bytes."""
    RECORDS = "records"
    """Everything: manifest, what it is found by, what was concluded. The receipt stays."""


class HoldKind(StrEnum):
    """What a hold is on."""

    SUBMISSION = "submission"
    CONTENT = "content"
    """Every submission that offers it."""
    DEVICE = "device"
    """Every submission of the host."""


HoldTarget: TypeAlias = Annotated[
    str, Meta(pattern=r"^[0-9a-f-]{36,64}$(?!\n)", description="an identifier, or the SHA-256 of a content")
]


class DueLine(Message, frozen=True, kw_only=True):
    """One submission whose time is over, or would be."""

    submission: Id
    part: Part
    received: datetime
    due: datetime
    why: str
    """The setting, the rule, or the statement that says so."""
    contents: int = 0
    bytes: int = 0
    """Of its contents; those that another submission offers as well stay."""


class DuePage(Message, frozen=True, kw_only=True):
    """``GET /v1/retention/due?part=&at=&after=&limit=``: what would be destroyed, the longest due first."""

    lines: Annotated[tuple[DueLine, ...], Meta(max_length=RETENTION_PAGE_MAX_COUNT)] = ()
    after: str | None = None
    """Where the next page begins, or ``None`` on the last."""


class RetentionStatus(Message, frozen=True, kw_only=True):
    """``GET /v1/retention``."""

    contents_days: float
    records_days: float
    rules: tuple[str, ...] = ()
    """As they stand in the settings, in words."""
    since: datetime
    """When these rules came into force."""
    acts_from: datetime
    """From then on they destroy something by themselves."""
    contents_due: int = 0
    """Submissions; counted up to 1,000."""
    records_due: int = 0
    to_reckon: int = 0
    """Submissions whose times still stand by earlier rules; counted up to 1,000."""
    to_destroy: int = 0
    """Contents that are given up and whose bytes are still there; counted up to 1,000."""
    holds: int = 0


class RunRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/retention/run``: destroy some of what is due now, at once."""

    limit: Annotated[int, Meta(ge=1, le=RETENTION_BATCH_MAX_COUNT)] = RETENTION_BATCH_MAX_COUNT
    """Submissions of each part."""


class RunAnswer(Message, frozen=True, kw_only=True):
    """What one run did."""

    contents_of: int = 0
    """Submissions whose contents were given up."""
    records_of: int = 0
    """Submissions that were destroyed as a whole."""
    destroyed: int = 0
    """Contents whose bytes are gone; each was looked for again."""
    wanted_again: int = 0
    """Contents that stay because another submission has brought them anew."""
    failed: int = 0
    """Contents that could not be destroyed; they are tried again."""
    more: bool = False
    """There is more to do."""


class HoldRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/holds``."""

    kind: HoldKind
    target: HoldTarget
    reason: Annotated[Text, Meta(min_length=1)]


class HoldView(Message, frozen=True, kw_only=True):
    """One hold."""

    id: Id
    kind: HoldKind
    target: str
    reason: str
    placed_by: str
    placed: datetime
    lifted_by: str | None = None
    lifted: datetime | None = None


class HoldPage(Message, frozen=True, kw_only=True):
    """``GET /v1/holds?all=1``, the newest first."""

    holds: Annotated[tuple[HoldView, ...], Meta(max_length=HOLDS_PAGE_MAX_COUNT)] = ()
