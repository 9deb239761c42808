"""PDF files: objects, streams, object streams, tables, scripts and embedded files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target

MAGIC: Final = b"%PDF-1.7\n"


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    judge_document(data if b"%PDF-" in data[:1024] else MAGIC + data)


def _seeds() -> Iterator[bytes]:
    yield from samples(b"%PDF-")


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"1 0 obj", b"endobj", b"stream\r\n", b"endstream", b"/Filter/LZWDecode", b"/Filter/RunLengthDecode",
        b"/Filter/ASCII85Decode", b"/Filter/FlateDecode", b"/DecodeParms<</Predictor 12/Columns 4>>", b"/Length 2 0 R",
        b"/Type/ObjStm/N 3/First 10", b"/Type/XRef/W[1 2 1]", b"/JS(app.alert\\(1\\))", b"/J#53 2 0 R", b"<feff0041>",
        b"/EF<</F 3 0 R>>", b"xref\n0 1\n0000000000 65535 f \n", b"trailer<</Prev 9>>", b"startxref\n9\n%%EOF",
        b"/Encrypt 1 0 R", b"[[[[", b"<<<<", b"((((",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
