"""Seeds out of ``samples_fixture/``: read where they are, never copied into this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sampler.limits import KIB
from sampler.runtime.places import shipped

SAMPLE_MAX_BYTES: Final = 64 * KIB
"""Larger samples would only slow the fuzzer down: what parsers look at stands in the first kilobytes."""
_BESIDE: Final = "expected.json"


def samples(magic: bytes = b"") -> Iterator[bytes]:
    """The content of every small sample that begins with ``magic``."""
    for path in sorted(shipped("samples_fixture").glob("*/*/*")):
        if path.is_file() and path.name != _BESIDE and path.stat().st_size <= SAMPLE_MAX_BYTES:
            content = path.read_bytes()
            if content.startswith(magic):
                yield content
