"""ZIP files: members, directories, ends, whatever they say of each other."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    judge_document(b"PK\x03\x04" + data[4:])


def _seeds() -> Iterator[bytes]:
    yield from samples(b"PK\x03\x04")
    for method in _METHODS:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as writer:
            writer.writestr("a.txt", b"a harmless line\n" * 9, method)
            writer.writestr("b/", b"")
        yield made.getvalue()


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"\x01\x99\x07\0",
        b"\x01\0\x10\0", b"../", b"\xff\xff\xff\xff", b"\x5d\0", b"\x28\xb5\x2f\xfd", b"BZh9", b"\x63\0", b"\x5f\0",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
