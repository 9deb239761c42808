"""Private look-ups: whether the queue knows a file, asked by the first bits of its hash only (docs/lookup.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from sampler.limits import LOOKUP_BITS_MAX, LOOKUP_ENTRIES_MAX_COUNT, LOOKUP_PADDING_BYTES, LOOKUP_TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.wire.codec import encode
from sampler.wire.messages import Message, Sha256

Bits = Annotated[int, Meta(ge=0, le=LOOKUP_BITS_MAX, description="of a SHA-256, the first ones")]
Word = Annotated[str, Meta(max_length=LOOKUP_TEXT_MAX_CHARACTERS)]


class LookUpTerms(Message, frozen=True, kw_only=True):
    """``GET /v1/lookup/terms``: how a host may ask now."""

    bits: Bits
    """So many at most. With 0 every question gets the whole list, and tells nothing."""


class LookUpEntry(Message, frozen=True, kw_only=True):
    """One file that the queue had whole, and what it concluded."""

    sha256: Sha256
    conclusion: Conclusion
    score: Annotated[int, Meta(ge=0, le=100)]
    analyzer: Word
    family: Word | None = None
    at: datetime
    expires: datetime
    """Until then it answers for these bytes."""


class LookUpAnswer(Message, frozen=True, kw_only=True):
    """``GET /v1/lookup?bits=&prefix=``: everything that is listed under a prefix, in the order of the hashes."""

    bits: Bits
    prefix: Annotated[int, Meta(ge=0)]
    """The first ``bits`` bits as a number."""
    entries: Annotated[tuple[LookUpEntry, ...], Meta(max_length=LOOKUP_ENTRIES_MAX_COUNT)] = ()
    padding: str = ""
    """Blanks, so that answers have the same length, whatever is in them."""


def prefix_of(sha256: str, bits: int) -> int:
    """The first bits of a hash as a number."""
    return int(sha256, 16) >> (256 - bits)


def padded(bits: int, prefix: int, entries: tuple[LookUpEntry, ...]) -> LookUpAnswer:
    """The answer, its JSON filled up to a multiple of ``LOOKUP_PADDING_BYTES``."""
    bare = len(encode(LookUpAnswer(bits=bits, prefix=prefix, entries=entries, padding=" "))) - 1
    missing = -bare % LOOKUP_PADDING_BYTES or LOOKUP_PADDING_BYTES
    return LookUpAnswer(bits=bits, prefix=prefix, entries=entries, padding=" " * missing)
