"""RAR archives of both generations: each block is given the checksum that it needs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import samples
from fuzz.target import Target
from sampler.limits import KIB

_OLD: Final = b"Rar!\x1a\x07\x00"
_NEW: Final = b"Rar!\x1a\x07\x01\x00"


def one_input(data: bytes) -> None:
    """Never an exception; every member lies inside. The first byte says which generation the blocks are of."""
    if data[:1] == b"\0":
        judge_document(_OLD + _checked(data[1:]))
    else:
        judge_document(_NEW + data[1:])


def _checked(data: bytes) -> bytes:
    """The blocks that follow each other, with right checksums, as long as they are in the input."""
    made, at = bytearray(data), 0
    while at + 11 <= len(made):
        size, flags = struct.unpack_from("<H", made, at + 5)[0], struct.unpack_from("<H", made, at + 3)[0]
        if size < 7:
            break
        struct.pack_into("<H", made, at, zlib.crc32(made[at + 2 : at + size]) & 0xFFFF)
        at += size + (struct.unpack_from("<I", made, at + 7)[0] if flags & 0x8000 else 0)
    return bytes(made)


def _seeds() -> Iterator[bytes]:
    for mark, first in ((_OLD, b"\0"), (_NEW, b"\1")):
        yield from (first + content[len(mark) :] for content in samples(mark))


TARGET: Final = Target(one_input, _seeds, tokens=(b"\x74\0\x80", b"\x73\0\0", b"\x80\x80\x01"), max_bytes=16 * KIB)
