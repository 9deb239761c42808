"""Regions of everything else: which reader the first bytes choose, and what every object has."""

from __future__ import annotations

from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract import find_regions
from sampler.model import ContentKind

_KINDS: Final = tuple(ContentKind)


def one_input(data: bytes) -> None:
    """Never an exception, whatever kind the object was said to be; only a script's changes anything."""
    kind = _KINDS[len(data) % len(_KINDS)]
    found = find_regions(data, kind, "application/octet-stream")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))
    if kind is not ContentKind.SCRIPT:
        assert found == find_regions(data, ContentKind.OTHER, "text/plain")


TARGET: Final = Target(
    one_input,
    samples,
    tokens=(b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xcf", b"PK\x03\x04", b"%PDF-", b"#!/bin/sh\n"),
    max_bytes=SAMPLE_MAX_BYTES,
)
