"""Shannon entropy of an object's bytes: 0 where all are alike, 8 where all values are equally frequent.

``sampler.file.entropy`` is that of the whole, to two digits; exact for objects up to 16 KiB, else from a sample, and
then within a few hundredths. ``sampler.file.entropy_series`` is for a plot: the bytes of a block in decimal, a colon,
and for each block one digit to base 36, in lower case: ``0`` is no entropy, ``z`` eight bits, less than a 36th part.
"""

from __future__ import annotations

from typing import Final

from sampler.model import Field
from sampler.runtime.byte_entropy import EntropyProfile

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def entropy_fields(profile: EntropyProfile) -> tuple[Field, ...]:
    """Entropy of the whole, and of its blocks where there are any."""
    whole = Field("sampler.file.entropy", round(profile.whole, 2))
    return (whole, Field("sampler.file.entropy_series", series_of(profile))) if profile.blocks else (whole,)


def series_of(profile: EntropyProfile) -> str:
    """One digit a block: ``4096:0hz``."""
    digits = "".join(DIGITS[min(int(bits / 8 * len(DIGITS)), len(DIGITS) - 1)] for bits in profile.blocks)
    return f"{profile.block_bytes}:{digits}"
