"""The ceilings that every fuzz target runs under."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator

import pytest

from fuzz.target import CeilingBroken, Target, check
from sampler.limits import KIB, MIB


@pytest.fixture
def left_open() -> Iterator[list[int]]:
    """Descriptors that a target forgot."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def target(one_input: Callable[[bytes], None], *, cpu_max_seconds: float = 5.0) -> Target:
    return Target(one_input, lambda: (), cpu_max_seconds=cpu_max_seconds, memory_max_bytes=32 * MIB)


def _divide(data: bytes) -> None:
    assert 1 // len(data)


def test_a_descriptor_that_is_left_open_is_a_finding(left_open: list[int]) -> None:
    """A target that leaves a descriptor open has a finding, one that closes it has none."""
    check(target(lambda data: os.close(os.open("/", os.O_RDONLY))), b"")
    with pytest.raises(CeilingBroken, match="1 descriptors"):
        check(target(lambda data: left_open.append(os.open("/", os.O_RDONLY))), b"")


def test_an_input_that_takes_too_much_memory_is_a_finding() -> None:
    """What an input takes counts although it was given back."""

    def touch(data: bytes) -> None:
        bytearray(b"\1") * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB + 64 * MIB)

    with pytest.raises(CeilingBroken, match="peak of memory"):
        check(target(touch), b"")


def test_an_input_that_takes_too_long_is_a_finding() -> None:
    """Processor time counts, and what the target itself finds is told as it is."""
    with pytest.raises(CeilingBroken, match="processor time"):
        check(target(lambda data: None, cpu_max_seconds=-1.0), b"")
    with pytest.raises(ZeroDivisionError):
        check(target(_divide), b"")
