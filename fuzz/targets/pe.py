"""Regions and fields of whatever begins with ``MZ``: pefile over the headers, our own readers over all tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract import find_regions
from sampler.model import ContentKind

MAGIC: Final = b"MZ"


def one_input(data: bytes) -> None:
    """Never an exception; regions inside the object, and fields that a child may name."""
    data = MAGIC + data[len(MAGIC) :]
    found = find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))


def _seeds() -> Iterator[bytes]:
    yield from samples(MAGIC)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"PE\0\0", b"\x4c\x01", b"\x64\x86", b"\x0b\x01", b"\x0b\x02", b"Rich", b"DanS", b".text\0\0\0", b".rsrc\0\0\0",
        b"\x10\0\0\0", b"\0\0\0\x80", b"V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0", b"S\0t\0r\0i\0n\0g\0",
        b"KERNEL32.dll\0", b"\xff\xff\xff\xff", b"\0\x10\0\0", b"\0\x02\0\0", b"RSDS", b"NB10", b"BSJB", b"#~\0\0",
        b"#Strings\0\0\0\0", b"#GUID\0\0\0", b"v4.0.30319\0\0", b"UPX!", b"\xef\xbe\xad\xdeNullsoftInst", b"rDlPtS",
        b"\0\x02\x02\0", b"\0\0\0\x40\x01\0\0\0",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
