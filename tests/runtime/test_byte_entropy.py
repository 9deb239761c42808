from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.runtime.byte_entropy import BLOCKS_MAX_COUNT, EntropyProfile, entropy_of, entropy_profile


def exact(data: bytes) -> float:
    return sum(count / len(data) * math.log2(len(data) / count) for count in Counter(data).values())


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize(
    ("data", "bits"), [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd" * 9, 2.0), (bytes(range(256)) * 3, 8.0)]
)
def test_known_entropies(data: bytes, bits: float) -> None:
    """Nothing and one value have none, n equally frequent values have log2(n) bits."""
    profile = entropy_profile(data)
    assert profile.whole == pytest.approx(bits)
    assert math.copysign(1, profile.whole) == 1
    assert profile.blocks == ((profile.whole,) if data else ())


@given(st.binary(max_size=16 << 10))
def test_every_byte_is_counted(data: bytes) -> None:
    """Whole and blocks are what counting byte by byte tells, to six digits, and within their range."""
    profile = entropy_profile(data)
    assert profile.whole == entropy_of(data) == pytest.approx(exact(data) if data else 0.0, abs=1e-6)
    for index, bits in enumerate(profile.blocks):
        assert bits == pytest.approx(exact(data[4096 * index : 4096 * (index + 1)]), abs=1e-6)
        assert 0 <= bits <= 8


WORDS = ("of", "the", "and", "bytes", "are", "read", "from", "any", "file")


def mixed(size: int) -> bytes:
    """Structure of 16 and 32 bits, text, zeros and noise, one block each in turn."""
    chance = random.Random(7)
    words = b"".join(chance.randrange(4000).to_bytes(4, "little") for _ in range(1024))
    text = " ".join(chance.choice(WORDS) for _ in range(2000)).encode()[:4096]
    wide = text[:2048].decode().encode("utf-16-le")
    return b"".join((words, text, wide, bytes(4096), noise(4096)) * (size // 20480))


def test_the_middles_of_wide_blocks_speak_for_them() -> None:
    """Of an object of more than 4 MiB the middles of its blocks are counted, and what is left of the last."""
    middles = [mixed(20480)[4096 * (index % 5) : 4096 * (index % 5 + 1)] for index in range(600)]
    data = b"".join(bytes(2048) + middle + bytes(2048) for middle in middles) + b"abcd" * 9
    profile = entropy_profile(data)
    assert profile.block_bytes == 8192
    assert profile.blocks == pytest.approx([*map(exact, middles), 2.0], abs=1e-6)
    assert profile.whole == pytest.approx(exact(b"".join(middles) + b"abcd" * 9), abs=1e-6)


class Counting:
    """An object of zeros that counts what is read of it."""

    def __init__(self, size: int) -> None:
        self.size, self.read = size, 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, wanted: slice) -> bytes:
        start, stop, _ = wanted.indices(self.size)
        self.read += stop - start
        return bytes(stop - start)


@pytest.mark.parametrize(("size", "width"), [(4 << 20, 4096), ((4 << 20) + 1, 8192), (4 << 30, 4 << 20)])
def test_no_object_costs_more_than_a_fixed_number_of_bytes(size: int, width: int) -> None:
    """Blocks widen so that there are at most 1,024, and of each at most 4 KiB are read."""
    data = Counting(size)
    profile = entropy_profile(data)
    assert profile == EntropyProfile(width, (0.0,) * -(-size // width), 0.0)
    assert len(profile.blocks) <= BLOCKS_MAX_COUNT
    assert data.read <= 4096 * BLOCKS_MAX_COUNT
