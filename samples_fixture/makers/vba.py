"""A writer of small VBA projects ([MS-OVBA]): the compressed containers, the dir stream and the storage around them."""

from __future__ import annotations

import struct

from makers.ole import Storage, Stream

_CHUNK_BYTES = 4096
_CODE_PAGE = 1252


def project(modules: dict[str, bytes]) -> Storage:
    """The storage ``VBA`` of a project whose modules have this source and no compiled form."""
    streams = [Stream(name, compressed(source)) for name, source in modules.items()]
    head = Stream("_VBA_PROJECT", b"\xcc\x61\xff\xff\0\0\0")
    return Storage("VBA", streams=(*streams, head, Stream("dir", compressed(directory(dict.fromkeys(modules, 0))))))


def directory(offsets: dict[str, int]) -> bytes:
    """A dir stream (2.3.4.2): modules of these names, each with the offset of its source in its stream."""
    information = [
        (0x01, struct.pack("<I", 1)),
        (0x02, struct.pack("<I", 0x409)),
        (0x14, struct.pack("<I", 0x409)),
        (0x03, struct.pack("<H", _CODE_PAGE)),
        (0x04, b"Project"),
        (0x05, b""), (0x40, b""),
        (0x06, b""), (0x3D, b""),
        (0x07, bytes(4)),
        (0x08, bytes(4)),
    ]  # fmt: skip
    file = b"".join(_record(*record) for record in information)
    file += struct.pack("<HIIH", 0x09, 4, 1, 1) + _record(0x0C, b"") + _record(0x3C, b"")
    file += _record(0x0F, struct.pack("<H", len(offsets))) + _record(0x13, b"\xff\xff")
    for name, offset in offsets.items():
        file += b"".join(_record(*record) for record in _module(name, offset))
    return file + _record(0x10, b"")


def compressed(source: bytes) -> bytes:
    """A compressed container (2.4.1.3.6): from each place on, the longest copy of what came before, if it has three."""
    container = b"\x01"
    for start in range(0, len(source), _CHUNK_BYTES):
        body = _compressed_chunk(source[start : start + _CHUNK_BYTES])
        container += struct.pack("<H", 0xB000 | len(body) - 1) + body
    return container


def _module(name: str, offset: int) -> list[tuple[int, bytes]]:
    wide = name.encode("utf-16-le")
    return [
        (0x19, name.encode()), (0x47, wide), (0x1A, name.encode()), (0x32, wide), (0x1C, b""), (0x48, b""),
        (0x31, struct.pack("<I", offset)), (0x1E, bytes(4)), (0x2C, b"\xff\xff"), (0x21, b""), (0x2B, b""),
    ]  # fmt: skip


def _record(number: int, value: bytes) -> bytes:
    return struct.pack("<HI", number, len(value)) + value


def _compressed_chunk(chunk: bytes) -> bytes:
    body, position = b"", 0
    while position < len(chunk):
        flags, tokens = 0, b""
        for bit in range(8):
            if position >= len(chunk):
                break
            offset, length = _longest_copy(chunk, position)
            if length < 3:
                tokens += chunk[position : position + 1]
                position += 1
                continue
            bits = 16 - max(4, (position - 1).bit_length())
            tokens += struct.pack("<H", offset - 1 << bits | length - 3)
            flags |= 1 << bit
            position += length
        body += bytes([flags]) + tokens
    return body


def _longest_copy(chunk: bytes, position: int) -> tuple[int, int]:
    """Offset backwards, and length, of the longest copy that a token can say at a place."""
    most = (1 << 16 - max(4, (position - 1).bit_length())) + 2 if position else 0
    best = (0, 0)
    for start in range(position - 1, -1, -1):
        length = 0
        while length < most and position + length < len(chunk) and chunk[start + length] == chunk[position + length]:
            length += 1
        if length > best[1]:
            best = (position - start, length)
    return best
