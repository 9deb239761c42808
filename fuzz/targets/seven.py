"""7z archives: a header of the input's bytes, with the checksums it needs, behind packed bytes that are sound."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.target import Target

_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]
_PACKED: Final = lzma.compress(b"a harmless line\n" * 9, lzma.FORMAT_RAW, filters=_FILTERS)


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    place = struct.pack("<QQI", len(_PACKED), len(data), zlib.crc32(data))
    start = b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(place)) + place
    judge_document(start + _PACKED + data)


def _seeds() -> Iterator[bytes]:
    size = bytes([len(_PACKED)])
    for coder in (b"\x21\x21\x01\0", b"\x01\0", b"\x04\x03\x03\x01\x03", b"\x24\x06\xf1\x07\x01\x02\x13\0"):
        streams = b"\x06\0\x01\x09" + size + b"\0\x07\x0b\x01\0\x01" + coder + b"\x0c\x80\x90\0"
        names = "a.txt\0b\0".encode("utf-16-le")
        files = b"\x05\x02\x11" + bytes([len(names) + 1]) + b"\0" + names + b"\0"
        yield b"\x01\x04" + streams + b"\x08\x0d\x02\x09\x10\0\0" + files + b"\0"
        yield b"\x17" + streams + b"\0"


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\x03\x01\x01\x05", b"\x21\x01\x18", b"\x03\x03\x01\x1b", b"\x04\x01\x08", b"\x04\x02\x02",
        b"\x06\xf1\x07\x01", b"\x04\xf7\x11\x01", b"\x17\x06", b"\x01\x04\x06", b"\x0d", b"\x0e", b"\x11", b"\xff" * 9,
    ),
)  # fmt: skip
