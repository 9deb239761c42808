"""The list of known good files: what a queue says of it under its signature, how hosts fetch it (docs/lookup.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from sampler.limits import KNOWN_GOOD_ENTRIES_MAX_COUNT, KNOWN_GOOD_MAX_BYTES
from sampler.wire.messages import Message, Sha256, Text
from sampler.wire.receipt_messages import Signed

KNOWN_GOOD_CONTEXT: Final = "sampler known good files 1"
"""What a header is signed as."""


class KnownGoodHeader(Message, frozen=True, kw_only=True):
    """What is signed: which list it is, and how it lies in its file (``runtime.hash_list``)."""

    number: Annotated[int, Meta(ge=1)]
    """Grows with each list that is published; a host never goes back to a smaller one."""
    name: Text
    created: datetime
    expires: datetime
    """From then on it answers for nothing."""
    entries: Annotated[int, Meta(ge=0, le=KNOWN_GOOD_ENTRIES_MAX_COUNT)]
    bucket_bits: Annotated[int, Meta(ge=0, le=24)]
    suffix_bytes: Annotated[int, Meta(ge=1, le=16)]
    size: Annotated[int, Meta(ge=0, le=KNOWN_GOOD_MAX_BYTES)]
    """Of the list, in bytes."""
    sha256: Sha256
    """Of the list."""


class KnownGoodOffer(Message, frozen=True, kw_only=True):
    """``GET /v1/known-good``: the present list's header, signed; absent where none was published."""

    header: Signed | None = None


class KnownGoodDraft(Message, frozen=True, kw_only=True):
    """The first line of a file of ``sampler queue known-good build``; the list follows it. Nobody has signed it yet."""

    entries: Annotated[int, Meta(ge=0, le=KNOWN_GOOD_ENTRIES_MAX_COUNT)]
    bucket_bits: Annotated[int, Meta(ge=0, le=24)]
    suffix_bytes: Annotated[int, Meta(ge=1, le=16)]
    sha256: Sha256
