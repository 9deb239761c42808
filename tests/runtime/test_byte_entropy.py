from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.runtime.byte_entropy import BLOCKS_MAX_COUNT, EXACT_MAX_BYTES, EntropyProfile, entropy_profile


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


@given(st.binary(max_size=EXACT_MAX_BYTES))
def test_small_objects_are_counted_exactly(data: bytes) -> None:
    """Up to 16 KiB whole and blocks are what counting byte by byte tells, and within their range."""
    profile = entropy_profile(data)
    assert profile.whole == pytest.approx(exact(data) if data else 0.0, abs=1e-9)
    for index, bits in enumerate(profile.blocks):
        assert bits == pytest.approx(exact(data[4096 * index : 4096 * (index + 1)]), abs=1e-9)
        assert 0 <= bits <= 8


WORDS = ("of", "the", "and", "bytes", "are", "read", "from", "any", "file")


def mixed(size: int) -> bytes:
    """Structure of 16 and 32 bits, text, zeros and noise, one block each in turn."""
    chance = random.Random(7)
    words = b"".join(chance.randrange(4000).to_bytes(4, "little") for _ in range(1024))
    text = " ".join(chance.choice(WORDS) for _ in range(2000)).encode()[:4096]
    wide = text[:2048].decode().encode("utf-16-le")
    return b"".join((words, text, wide, bytes(4096), noise(4096)) * (size // 20480))


def test_larger_objects_are_counted_well_enough() -> None:
    """Of a sample, blocks are within 0.12 of a bit of what they have, and the whole within 0.05."""
    data = mixed(1_000_000)
    profile = entropy_profile(data)
    assert profile.block_bytes == 4096
    assert profile.whole == pytest.approx(exact(data), abs=0.05)
    for index, bits in enumerate(profile.blocks):
        assert bits == pytest.approx(exact(data[4096 * index : 4096 * (index + 1)]), abs=0.12)


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
