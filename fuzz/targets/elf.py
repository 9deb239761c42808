"""Regions and fields of whatever begins like an ELF file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract import find_regions
from sampler.model import ContentKind

MAGIC: Final = b"\x7fELF"


def one_input(data: bytes) -> None:
    """Never an exception; regions inside the object, and fields that a child may name."""
    data = MAGIC + data[len(MAGIC) :]
    found = find_regions(data, ContentKind.EXECUTABLE, "application/x-executable")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))


def _seeds() -> Iterator[bytes]:
    yield from samples(MAGIC)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\x01\x01\x01", b"\x02\x01\x01", b"\x01\x02\x01", b"\x02\x02\x01", b"\xff\xff", b"\x40\0\x38\0",
        b"\x34\0\x20\0", b"\0.text\0",
        b"\0.shstrtab\0", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0", b"\xf5\xfe\xff\x6f", b".note.x\0", b"~Module signature appended~\n",
        b"\0\0\x02\0\0\0\0\0\0\0\0\x20", b"\xff Go buildinf:\x08\x02", b"UPX!",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
