"""RTF texts whose writers hide objects from everyone but Word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract.rtf import MAGIC


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    judge_document(MAGIC + data[len(MAGIC) :])


def _seeds() -> Iterator[bytes]:
    yield from samples(MAGIC)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        rb"{\*\objdata ", rb"{\object\objemb", rb"\objupdate", rb"{\*\objclass ", rb"\bin10 ", rb"\'00",
        rb"{\*\template ", rb"{\*\fldinst ", b"0105000002000000", b"d0cf11e0a1b11ae1", b"}", rb"\bin-1",
        b"5061636b61676500", b"e0c9ea79f9bace118c8200aa004ba90b",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
