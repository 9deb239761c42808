"""The data behind an NSIS stub as frozen values (Nullsoft Install System, Source/exehead/fileform.h).

A first header names the length of the installer's own header and of everything behind it; then follow that header and
the files, each behind a length of four bytes: compressed one by one, or all together (solid). Names stand in the
header's instructions. NSIS writes LZMA and Deflate streams that the standard library reads, and a bzip2 of its own
that it does not.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sampler.extract.compressed_streams import (
    Copier,
    Inflater,
    NotUnpacked,
    Unpacked,
    chunks,
    lzma1_filter,
    raw_lzma,
    undo_filter,
    unpack_stream,
)
from sampler.extract.extraction import Data
from sampler.limits import KIB, MIB

MARK: Final = b"\xef\xbe\xad\xdeNullsoftInst"
ALIGNMENT: Final = 512
"""The first header begins at a multiple of this in the installer, and in its overlay."""
SEARCHED_BYTES: Final = 32 * KIB
"""How far behind an overlay's start a first header is looked for."""
HEADER_MAX_BYTES: Final = 4 * MIB
BLOCKS_MAX_COUNT: Final = 4096
_FIRST: Final = struct.Struct("<I16sII")
_COMPRESSED: Final = 0x80000000


class Method(StrEnum):
    """What the data is compressed with."""

    STORED = "stored"
    LZMA = "lzma"
    FILTERED_LZMA = "filtered lzma"
    """An x86 branch filter behind it, if its first byte says so."""
    DEFLATE = "deflate"
    BZIP2 = "bzip2"


@dataclass(frozen=True, slots=True)
class Block:
    """One file, or the header; offset and length in bytes of what holds it: the overlay, or the solid stream."""

    offset: int
    length: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class Installer:
    """What the first header and the first bytes behind it say."""

    start: int
    """Of the data behind the first header, in the overlay."""
    length: int
    """Of that data, checksum included, as far as it is there."""
    header_bytes: int
    """The installer's own header, unpacked."""
    method: Method
    solid: bool


def find_first_header(head: bytes) -> int:
    """Offset of the first header at one of the places where a stub looks for it, or -1."""
    for offset in range(0, len(head), ALIGNMENT):
        if head[offset + 4 : offset + 20] == MARK:
            return offset
    return -1


def read_installer(data: Data, offset: int) -> Installer:
    """How the data is packed; ``offset`` is that of the first header.

    Raises:
        NotUnpacked: the first header is cut off, or claims a header that is longer than any.
    """
    first = bytes(data[offset : offset + _FIRST.size])
    if len(first) < _FIRST.size:
        raise NotUnpacked("truncated", "the first header is cut off")
    _, _, header_bytes, following = _FIRST.unpack(first)
    if header_bytes > HEADER_MAX_BYTES:
        raise NotUnpacked("too-large", f"a header of {header_bytes} bytes, at most {HEADER_MAX_BYTES} are read")
    start = offset + _FIRST.size
    method, solid = _method(bytes(data[start : start + 16]), header_bytes)
    length = max(0, min(following - _FIRST.size, len(data) - start))
    return Installer(start, length, header_bytes, method, solid)


def unpack_solid(data: Data, installer: Installer, ceiling: int) -> bytes:
    """The first bytes of the one stream of a solid installer, at most ``ceiling``.

    Raises:
        NotUnpacked: nothing comes out, or its method is not undone.
    """
    made = _unpack(data, Block(installer.start, installer.length, compressed=True), installer.method, ceiling, ceiling)
    if not made.content:
        raise NotUnpacked("damaged", "nothing comes out of its one stream")
    return made.content


def unpack_block(data: Data, block: Block, method: Method, ceiling: int) -> Unpacked:
    """What one block of an installer that is not solid makes.

    Raises:
        NotUnpacked: its method is not undone, or more than ``ceiling`` bytes would come out.
    """
    return _unpack(data, block, method if block.compressed else Method.STORED, ceiling, None)


def blocks(data: Data, start: int, end: int, *, solid: bool) -> Iterator[Block]:
    """The blocks from ``start`` on, each behind its length; the last four bytes may be a checksum."""
    for _ in range(BLOCKS_MAX_COUNT):
        word = bytes(data[start : start + 4])
        if len(word) < 4 or start + 4 > end:
            return
        value = int.from_bytes(word, "little")
        length = value if solid else value & ~_COMPRESSED
        if length == 0 or length > end - start - 4:
            return
        yield Block(start + 4, length, compressed=not solid and bool(value & _COMPRESSED))
        start += 4 + length


def _method(head: bytes, header_bytes: int) -> tuple[Method, bool]:
    """Method, and whether one stream holds everything; NSIS does not say, so this looks as stubs and 7-Zip do."""
    first = int.from_bytes(head[:4], "little")
    if first == header_bytes:
        return Method.STORED, False
    if (solid := _lzma(head)) is not None:
        return solid, True
    if first & _COMPRESSED and head[3] == 0x80:
        return _lzma(head[4:]) or (Method.BZIP2 if _is_bzip2(head[4:]) else Method.DEFLATE), False
    return (Method.BZIP2 if _is_bzip2(head) else Method.DEFLATE), True


def _lzma(head: bytes) -> Method | None:
    if _is_lzma(head):
        return Method.LZMA
    return Method.FILTERED_LZMA if head[:1] in (b"\0", b"\1") and _is_lzma(head[1:]) else None


def _is_lzma(head: bytes) -> bool:
    return head[:3] == b"\x5d\0\0" and head[5:6] == b"\0"


def _is_bzip2(head: bytes) -> bool:
    return head[:1] == b"\x31" and head[1:2] < b"\x0e"


def _unpack(data: Data, block: Block, method: Method, ceiling: int, size: int | None) -> Unpacked:
    packed = chunks(data, block.offset, block.length)
    if method is Method.STORED:
        return unpack_stream(Copier(), packed, ceiling, block.length)
    if method is Method.DEFLATE:
        return unpack_stream(Inflater(), packed, ceiling, size)
    if method is Method.BZIP2:
        raise NotUnpacked("unsupported", "nothing here undoes the bzip2 of NSIS")
    skip = 1 if method is Method.FILTERED_LZMA else 0
    head = bytes(data[block.offset : block.offset + skip + 5])
    rest = chunks(data, block.offset + skip + 5, block.length - skip - 5)
    made = unpack_stream(raw_lzma([lzma1_filter(head[skip:], ceiling)]), rest, ceiling, size)
    if head[:skip] != b"\1":
        return made
    return undo_filter({"id": lzma.FILTER_X86}, chunks(made.content, 0, len(made.content)), len(made.content), ceiling)
