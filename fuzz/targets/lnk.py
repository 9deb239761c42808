"""Shortcut files, with what lies behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract.lnk import MAGIC


def one_input(data: bytes) -> None:
    """Never an exception; regions inside the object, fields that a child may name."""
    judge_document(MAGIC + data[len(MAGIC) :])


def _seeds() -> Iterator[bytes]:
    yield from samples(MAGIC)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\xff\0\0\0",
        b"\xfd\x01\0\0", b"\x14\x03\0\0\x01\0\0\xa0", b"\x14\x03\0\0\x07\0\0\xa0", b"\x60\0\0\0\x03\0\0\xa0",
        b"\x04\0\xef\xbe", b"\x2fC:\\", b"\x32\0", b"\x1c\0\0\0", b"\x24\0\0\0", b"MZ", b"\0\0\0\0",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
