"""Which files hosts can look up, and how long a prefix they may ask by. Pure.

Only what an analyzer concluded from the whole file is listed: the queue has verified that these bytes have this hash,
while a host that was taken over could claim any hash for parts or features that it makes up.

A prefix is as long as the list allows: of ``n`` lines, ``LOOKUP_CROWD_COUNT`` or more begin with the same bits on
average, so that the queue learns no more than that it is one of these, or one of all the files in the world that
nobody submitted and that begin so too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isqrt
from typing import Final

from sampler.limits import LOOKUP_BITS_MAX, LOOKUP_CROWD_COUNT, LOOKUP_TEXT_MAX_CHARACTERS
from sampler.model import Conclusion, Verdict
from sampler.queue.lookup_ports import Listed
from sampler.queue.records import Submission
from sampler.queue.views import manifest_of
from sampler.wire.lookup_messages import LookUpEntry

_HASH_BITS: Final = 256
_SLICES_BITS: Final = (12, 8, 4)
"""Shares of all hashes, as powers of 1/2, that are counted in place of all lines: hashes are spread evenly."""
_TELLING_COUNT: Final = 64
"""Of a slice with fewer lines nothing is concluded."""
_COUNTED_MAX_COUNT: Final = 65_536


def bits_for(lines: int) -> int:
    """How many bits a question may have, with so many lines."""
    return min(max((lines // LOOKUP_CROWD_COUNT).bit_length() - 1, 0), LOOKUP_BITS_MAX)


def span(bits: int, prefix: int) -> tuple[str, str]:
    """The first and the last hash that begin with a prefix."""
    rest = _HASH_BITS - bits
    first = prefix << rest
    return f"{first:064x}", f"{first | ((1 << rest) - 1):064x}"


def estimate(count: Callable[[str, int], int]) -> int:
    """How many lines there are, or rather fewer; it reads some thousands of them at most, unless there are 10 ** 8.

    Args:
        count: how many there are about hashes up to one, counted up to a number.
    """
    for bits in _SLICES_BITS:
        found = count(span(bits, 0)[1], _COUNTED_MAX_COUNT)
        if found >= _TELLING_COUNT:
            return (found - 3 * isqrt(found)) << bits  # three standard deviations: a crowd is never promised in vain
    return count(span(0, 0)[1], _COUNTED_MAX_COUNT)


def to_list(submission: Submission, verdict: Verdict) -> Listed | None:
    """The line that a verdict makes; ``None`` where the file was not there as a whole, or nobody could tell."""
    if verdict.conclusion is Conclusion.UNKNOWN or verdict.expires is None or verdict.expires <= verdict.at:
        return None
    manifest = manifest_of(submission)
    if all(content.part is not None for content in manifest.contents):
        return None
    short = replace(
        verdict,
        analyzer=verdict.analyzer[:LOOKUP_TEXT_MAX_CHARACTERS],
        family=verdict.family[:LOOKUP_TEXT_MAX_CHARACTERS] if verdict.family else None,
        note=None,
    )
    return Listed(submission.tenant, manifest.object.sha256, submission.id, short)


def entry_of(listed: Listed) -> LookUpEntry:
    """A line as hosts read it."""
    verdict = listed.verdict
    assert verdict.expires is not None  # what is listed has an end
    return LookUpEntry(
        sha256=listed.sha256,
        conclusion=verdict.conclusion,
        score=verdict.score,
        analyzer=verdict.analyzer,
        family=verdict.family,
        at=verdict.at,
        expires=verdict.expires,
    )
