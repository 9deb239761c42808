"""Disks and volumes; the last two bytes of the first sector are always the boot mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target

_MARK_AT: Final = 510


def one_input(data: bytes) -> None:
    """Never an exception; regions inside, recipes that make what they say."""
    judge_document(data[:_MARK_AT].ljust(_MARK_AT, b"\0") + b"\x55\xaa" + data[_MARK_AT + 2 :])


def _seeds() -> Iterator[bytes]:
    yield from samples(b"\xeb\x3c\x90")
    yield from samples(b"\xfa\xf4\xeb\xfd")


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"EFI PART", b"NTFS    ", b"XFSB", b"\x53\xef", b"FAT12   ", b"\xff\xff\xff\x0f", b"\xf8\xff", b"\xe5", b"\x0f",
        b"\x05\0\0\0", b"\xee\0\0\0", b"\x00\x02\x01\x01\x00\x02\x10\x00",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
