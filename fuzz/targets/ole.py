"""Whatever begins like a compound file: documents, VBA projects, Outlook messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract.ole_file import MAGIC


def one_input(data: bytes) -> None:
    """Never an exception; regions inside the object, and recipes that make what they say."""
    judge_document(MAGIC + data[len(MAGIC) :])


def _seeds() -> Iterator[bytes]:
    yield from samples(MAGIC)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        "Root Entry".encode("utf-16-le"), "dir".encode("utf-16-le"), "VBA".encode("utf-16-le"),
        "\x01Ole10Native".encode("utf-16-le"), "Workbook".encode("utf-16-le"), "WordDocument".encode("utf-16-le"),
        "PowerPoint Document".encode("utf-16-le"), "\x05SummaryInformation".encode("utf-16-le"),
        "__properties_version1.0".encode("utf-16-le"), "__substg1.0_37010102".encode("utf-16-le"),
        b"\0Attribut", b"\xfe\xff\xff\xff", b"\xff\xff\xff\xff", b"\xfa\xff\xff\xff", b"\x11\x10", b"\x85\0",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
