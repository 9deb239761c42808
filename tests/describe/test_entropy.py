from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import entropy, entropy_fields
from sampler.describe.entropy import entropy_of
from sampler.model import Field


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


@given(st.binary(max_size=2000))
def test_entropy_is_exact(data: bytes) -> None:
    """Chunks and groups make no difference to what counting byte by byte tells."""
    counts = [data.count(value) for value in set(data)]
    exact = sum(count / len(data) * math.log2(len(data) / count) for count in counts)
    assert entropy_of(data) == pytest.approx(exact, abs=6e-4)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of many chunks has the entropy of all of its bytes."""
    data = bytes(100) + bytes(range(256)) * 3
    whole = entropy_of(data)
    monkeypatch.setattr(entropy, "_CHUNK_BYTES", 7)
    assert entropy_of(data) == whole


def test_too_large_an_object_has_no_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is exact or absent: a part's entropy does not pass for the whole's."""
    monkeypatch.setattr(entropy, "ENTROPY_MAX_BYTES", 1000)
    assert entropy_fields(bytes(1000)) == (Field("sampler.file.entropy", 0.0),)
    assert entropy_fields(bytes(1001)) == ()
