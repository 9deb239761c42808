from __future__ import annotations

import random

from sampler.describe import entropy_fields
from sampler.describe.entropy import DIGITS, series_of
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS
from sampler.model import Field
from sampler.runtime.byte_entropy import BLOCKS_MAX_COUNT, EntropyProfile, entropy_profile


def test_whole_and_series() -> None:
    """Entropy has two digits; the series says how long a block is and has a digit for each."""
    data = bytes(4096) + bytes(range(256)) * 16 + b"ab" * 2048 + b"abcd" * 10
    assert entropy_fields(entropy_profile(data)) == (
        Field("sampler.file.entropy", 4.56),
        Field("sampler.file.entropy_series", "4096:0z49"),
    )


def test_nothing_has_no_series() -> None:
    """An empty object has an entropy of zero and no blocks."""
    assert entropy_fields(entropy_profile(b"")) == (Field("sampler.file.entropy", 0.0),)


def test_digits_are_even_steps() -> None:
    """Digits rise with entropy, a 36th of eight bits each, and eight bits are the last one."""
    bits = tuple(8 * index / len(DIGITS) + 0.01 for index in range(len(DIGITS)))
    assert series_of(EntropyProfile(4096, (*bits, 8.0))) == f"4096:{DIGITS}z"


def test_the_longest_series_is_a_value() -> None:
    """The series of the largest objects fits into a field."""
    chance = random.Random(3)
    profile = EntropyProfile(4 << 20, tuple(chance.uniform(0, 8) for _ in range(BLOCKS_MAX_COUNT)), 4.0)
    assert len(series_of(profile)) < FIELD_VALUE_MAX_CHARACTERS
