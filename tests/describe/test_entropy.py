from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import entropy
from sampler.describe.entropy import entropy_of


@pytest.mark.parametrize(
    ("data", "bits"), [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd" * 9, 2.0), (bytes(range(256)) * 3, 8.0)]
)
def test_known_entropies(data: bytes, bits: float) -> None:
    """Nothing and one value have none, n equally frequent values have log2(n) bits."""
    assert entropy_of(data) == bits
    assert math.copysign(1, entropy_of(data)) == 1


@given(st.binary(max_size=500))
def test_entropy_is_between_zero_and_eight(data: bytes) -> None:
    """It never leaves its range, has three digits, and does not depend on the order of the bytes."""
    value = entropy_of(data)
    assert 0 <= value <= 8
    assert value == round(value, 3)
    assert value == entropy_of(bytes(sorted(data)))


def test_only_the_beginning_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies behind the ceiling changes nothing."""
    monkeypatch.setattr(entropy, "ENTROPY_MAX_BYTES", 1000)
    assert entropy_of(b"\0" * 1000 + bytes(range(256))) == entropy_of(b"\0" * 1000)
