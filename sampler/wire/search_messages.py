"""Search over what hosts have submitted: what people ask, and a page of what is found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from sampler.limits import (
    SEARCH_CONDITIONS_MAX_COUNT,
    SEARCH_PAGE_MAX_COUNT,
    TLSH_DISTANCE_MAX,
)
from sampler.model import Conclusion, SubmissionState
from sampler.wire.messages import (
    FieldName,
    Fields,
    Id,
    Message,
    Name,
    ObjectMessage,
    StoredContent,
    Text,
    VerdictMessage,
)
from sampler.wire.tenant_messages import TenantName

TLSH: Final = "T1[0-9A-F]{70}"
HashPrefix: TypeAlias = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{4,64}$(?!\n)", description="a hash or its beginning, lower-case hexadecimal")
]
Tlsh: TypeAlias = Annotated[str, Meta(pattern=rf"^{TLSH}$(?!\n)", description="TLSH digest, version 4")]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Cursor: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9A-Z.]{1,128}$(?!\n)")]


class Where(Message, frozen=True, kw_only=True):
    """A condition on a field of the manifest or of one of its matches. Case does not count."""

    field: FieldName
    how: Literal["is", "begins", "at_least", "at_most"] = "is"
    """Numbers are compared as numbers, everything else as text."""
    value: Text


class SearchRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/search``: all of it has to hold; nothing given finds everything, the newest first."""

    hash: HashPrefix | None = None
    """Of the object, of a content, or in any field: MD5, SHA-1, SHA-256, imphash …"""
    near: Tlsh | None = None
    """Objects like this one, the nearest first."""
    within: Annotated[int, Meta(ge=0, le=TLSH_DISTANCE_MAX)] = 30
    """The largest distance of ``near``; up to 31 none is missed."""
    tenant: TenantName | None = None
    """For who sees those of all; others find nothing but their own."""
    device: Id | None = None
    state: SubmissionState | None = None
    conclusion: Conclusion | None = None
    """Of the present verdict."""
    family: Text | None = None
    analyzer: Name | None = None
    since: Moment | None = None
    """Received at this moment or later."""
    until: Moment | None = None
    """Received before it."""
    where: Annotated[tuple[Where, ...], Meta(max_length=SEARCH_CONDITIONS_MAX_COUNT)] = ()
    after: Cursor | None = None
    """The ``after`` of the page before."""
    limit: Annotated[int, Meta(ge=1, le=SEARCH_PAGE_MAX_COUNT)] = 50
    full: bool = False
    """Bring the manifest's fields, matches and contents too."""


class SearchHit(Message, frozen=True, kw_only=True):
    """One submission that meets the conditions."""

    id: Id
    state: SubmissionState
    received: datetime
    device: Id
    tenant: str
    object: ObjectMessage
    reason: str = ""
    rules: tuple[str, ...] = ()
    """Names of those that matched, each once."""
    verdict: VerdictMessage | None = None
    distance: int | None = None
    """From ``near``."""
    contents_destroyed: datetime | None = None
    """Since when the queue has no contents of it any more: their time was over."""
    fields: Fields | None = None
    matches: tuple[Fields, ...] = ()
    contents: tuple[StoredContent, ...] = ()


class SearchPage(Message, frozen=True, kw_only=True):
    """What one look found. It ends early when it has read as much as one request may: go on from ``after``."""

    hits: tuple[SearchHit, ...] = ()
    after: Cursor | None = None
    """Where to go on; ``None``: there is nothing more."""
    behind: Annotated[int, Meta(ge=0)] = 0
    """Submissions that came, or moved on, so lately that the index does not have it yet; counted up to 1,000."""
    crowded: bool = False
    """So many digests are like the one of ``near`` that not all were measured; another digest may show more."""
