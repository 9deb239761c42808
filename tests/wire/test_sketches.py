"""Sketches count distinct things, within the error that the paper promises, and nothing but sketches is read as one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.wire.sketches import PRECISION, STANDARD_ERROR, Sketch, decode_sketch

KEY = bytes(range(32))
SIZES = [1, 10, 100, 1_000, 4_096, 10_000, 20_000, 50_000]


def sketch_of(items: set[int], key: bytes = KEY) -> Sketch:
    made = Sketch()
    for item in items:
        made.add(key, item.to_bytes(8, "big"))
    return made


@pytest.mark.parametrize("size", SIZES)
def test_the_error_stays_within_three_standard_errors(size: int) -> None:
    """Over the whole range, also where plain HyperLogLog is biased, for seeded inputs."""
    seeded = random.Random(size)
    estimate = sketch_of({seeded.getrandbits(64) for _ in range(size)}).estimate()
    assert abs(estimate - size) <= max(3 * STANDARD_ERROR * size, 0.5)


def test_the_error_is_right_on_average() -> None:
    """Many small sketches are off by no more than chance explains, to both sides: there is no bias to correct."""
    seeded = random.Random(7)
    sizes = [500] * 40
    errors = [sketch_of({seeded.getrandbits(64) for _ in range(size)}).estimate() / size - 1 for size in sizes]
    assert abs(sum(errors) / len(errors)) <= 3 * STANDARD_ERROR / len(errors) ** 0.5
    assert min(errors) < 0 < max(errors)


def test_of_nothing() -> None:
    """An empty sketch is an estimate of none, in no bytes."""
    assert Sketch().estimate() == 0
    assert Sketch().encode() == b""
    assert decode_sketch(b"") == Sketch()


def test_of_everything() -> None:
    """Registers that are all full still have an estimate, and no division by nothing."""
    assert Sketch([65 - PRECISION] * (1 << PRECISION)).estimate() == float("inf")


def test_registers_at_their_top_count_for_more() -> None:
    """The correction for full registers grows with their number and ends where all are full."""
    top, below = 65 - PRECISION, 64 - PRECISION
    halves = [Sketch([top] * full + [below] * ((1 << PRECISION) - full)).estimate() for full in (0, 1024, 2048, 4095)]
    assert halves == sorted(halves)
    assert 0 < halves[0] < halves[-1] < float("inf")


@given(st.sets(st.integers(0, 2**32), max_size=60), st.sets(st.integers(0, 2**32), max_size=60))
@settings(max_examples=40, deadline=None)
def test_merging_is_the_union(one: set[int], two: set[int]) -> None:
    """Whatever two sketches hold, in any order, and things that are in both count once."""
    merged, other_way = sketch_of(one), sketch_of(two)
    merged.merge(sketch_of(two))
    other_way.merge(sketch_of(one))
    assert merged == other_way == sketch_of(one | two)


@given(st.sets(st.integers(0, 2**32), max_size=2000))
@settings(max_examples=20, deadline=None)
def test_a_sketch_comes_back_as_it_was(items: set[int]) -> None:
    """In the shorter of its two forms."""
    made = sketch_of(items)
    assert decode_sketch(made.encode()) == made
    assert len(made.encode()) <= 1 << PRECISION


def test_another_key_is_another_sketch() -> None:
    """Without the key of the day a sketch says nothing about which things are in it."""
    assert sketch_of({1, 2, 3}) != sketch_of({1, 2, 3}, bytes(32))


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"\0\1",
        b"\xff\xff\1",
        b"\0\1\0",
        b"\0\1\xff",
        b"\0\2\1\0\1\1",
        b"\0\1\1\0\1\1",
        b"\0" * 4096,
        b"\xff" * 4096,
    ],
    ids=["short", "no-rank", "no-register", "nothing-held", "rank", "order", "twice", "long-form", "full"],
)
def test_what_is_no_sketch_is_refused(data: bytes) -> None:
    """Each sketch has exactly one form; anything else could smuggle something or is damaged."""
    with pytest.raises(ValueError, match="sketch"):
        decode_sketch(data)


@given(st.binary(max_size=5000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_sketch_or_refused(data: bytes) -> None:
    """Bytes of a hostile host raise nothing but ``ValueError``."""
    try:
        decoded = decode_sketch(data)
    except ValueError:
        return
    assert decoded.encode() == data
