"""Streams of compressed bytes, whole and damaged."""

from __future__ import annotations

import lzma

import pytest

from sampler.extract.compressed_streams import raw_lzma, unpack_stream


@pytest.mark.parametrize("ceiling", [1 << 20, 1 << 25])
def test_damage_does_not_depend_on_the_ceiling(ceiling: int) -> None:
    """What came out before damage is the same however much may come out: recipes are replayed under another ceiling."""
    options = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}
    packed = lzma.compress(bytes(3 << 20), lzma.FORMAT_RAW, filters=[options])
    damaged = packed[: len(packed) // 2] + b"\xff" * 64
    made = unpack_stream(raw_lzma([options]), [damaged], ceiling, ceiling)
    assert len(made.content) >= 1 << 20
