"""Regions and fields of whatever begins like a Mach-O file, thin or fat."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract import find_regions
from sampler.model import ContentKind

MAGICS: Final = (
    b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce", b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Never an exception; regions inside the object, and fields that a child may name."""
    if not data.startswith(MAGICS):
        data = MAGICS[len(data) % len(MAGICS)] + data[4:]
    found = find_regions(data, ContentKind.EXECUTABLE, "application/x-mach-binary")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))


def _seeds() -> Iterator[bytes]:
    for magic in MAGICS[:4]:
        for content in samples(magic):
            yield content
            yield _fat(content)


def _fat(content: bytes) -> bytes:
    """The same program twice in a fat binary."""
    rows = struct.pack(">II5I5I", 0xCAFEBABE, 2, 0x01000007, 3, 64, len(content), 0, 0x0100000C, 0, 64, len(content), 0)
    return rows.ljust(64, b"\0") + content


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        *MAGICS, b"\x19\0\0\0", b"\x01\0\0\0", b"\x02\0\0\0\x18\0\0\0", b"\x05\0\0\0", b"\x28\0\0\x80",
        b"\x1d\0\0\0\x10\0\0\0", b"\x0c\0\0\0", b"\x1c\0\0\x80", b"\x32\0\0\0", b"\xfa\xde\x0c\xc0",
        b"\xfa\xde\x0c\x02", b"\xfa\xde\x71\x71", b"__TEXT\0\0", b"__LINKEDIT\0\0", b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
