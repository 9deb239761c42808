"""NSIS installers: a first header before the input's bytes, as a program's overlay has it."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.target import Target

_HEADER: Final = bytes(200)


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    first = struct.pack("<I16sII", 0, b"\xef\xbe\xad\xdeNullsoftInst", len(_HEADER), 28 + len(data))
    judge_document(first + data)


def _block(content: bytes, flag: int) -> bytes:
    return struct.pack("<I", flag | len(content)) + content


def _seeds() -> Iterator[bytes]:
    deflate = zlib.compressobj(9, wbits=-15)
    raw = deflate.compress(_HEADER) + deflate.flush()
    alone = lzma.compress(_HEADER, lzma.FORMAT_ALONE)
    packed = alone[:5] + alone[13:]
    yield _block(_HEADER, 0) + _block(b"harmless", 0)
    yield _block(raw, 0x80000000) + _block(b"harmless", 0)
    yield _block(packed, 0x80000000) + _block(packed, 0x80000000)
    solid = lzma.compress(_block(_HEADER, 0) + _block(b"harmless", 0), lzma.FORMAT_ALONE)
    yield solid[:5] + solid[13:]
    yield b"\1" + solid[:5] + solid[13:]


TARGET: Final = Target(one_input, _seeds, tokens=(b"\x5d\0\0\x80\0\0", b"\x31\0", b"\0\0\0\x80", b"\x14\0\0\0"))
