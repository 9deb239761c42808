"""Scripts in any language and width of letters, with whatever they encode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract import derive, find_regions
from sampler.model import ContentKind

REPLAYED_MAX_COUNT: Final = 8


def one_input(data: bytes) -> None:
    """Never an exception, whether the text tells its language or its kind was told; recipes make what they say."""
    found = find_regions(data, ContentKind.SCRIPT, "text/plain")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))
    for region in [region for region in found.regions if region.recipe][:REPLAYED_MAX_COUNT]:
        assert len(derive(data, region.recipe)) == region.length, region


def _seeds() -> Iterator[bytes]:
    for sample in samples():
        if not sample.translate(None, bytes((*range(9, 14), *range(32, 256)))):
            yield sample
            yield b"\xff\xfe" + sample.decode("latin-1").encode("utf-16-le")


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"#!/bin/sh\n", b"<?php ", b"<script>", b"@echo off\r\n", b"powershell -enc ", b"FromBase64String('", b"atob('",
        b"eJxLTEoGAAJNASc=", b"S0xKBgA=", b"H4sIAAAAAAAC/0tMSgYAwkEkNQMAAAA=", b" | base64 -d", b"\\x41\\x42",
        b"\\u0041",
        b"%u9090", b"%41", b"0x4d,0x5a,", b"65,66,67,", b"Chr(65) & ", b"bytes.fromhex('", b"\xff\xfe", b"\xfe\xff",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
