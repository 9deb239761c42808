"""What an object is by its content: libmagic on its head, and our own readers of documents, disks and programs."""

from __future__ import annotations

from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.describe import describe_content, load_libmagic
from sampler.model import ContentKind


def one_input(data: bytes) -> None:
    """Never an exception; a kind, a MIME type and fields that a child may name, the same from any kind of buffer."""
    facts = describe_content(data, b"name.exe")
    assert facts.kind in ContentKind
    assert (facts.kind is ContentKind.EMPTY) == (not data)
    judge(examination_of(fields=facts.fields), len(data))
    assert facts == describe_content(memoryview(data), None)


TARGET: Final = Target(
    one_input,
    samples,
    tokens=(
        b"MZ", b"PE\0\0", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"PK\x03\x04",
        b"PK\x01\x02", b"PK\x05\x06", b"[Content_Types].xml", b"mimetype", b"%PDF-1.7", b"{\\rtf1", b"\x55\xaa",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"From: ", b"Subject: ", b"Received: ", b"\xeb\x3c\x90", b"EFI PART",
        b"#!/bin/sh\n", b"@echo off", b"\xff\xfe", b"\xef\xbb\xbf", b"<?php", b"function(){", b"\0.modinfo\0",
    ),
    prepare=load_libmagic,
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
