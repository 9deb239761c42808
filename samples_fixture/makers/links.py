"""A shell link ([MS-SHLLINK]) and a picture (PNG, ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib

_CLASS = bytes.fromhex("0114020000000000c000000000000046")
_HAS_RELATIVE_PATH, _HAS_ARGUMENTS, _IS_UNICODE = 0x08, 0x20, 0x80


def samples() -> dict[str, bytes]:
    """The link and the picture."""
    arguments = "-NoProfile -WindowStyle Hidden -Command \"Write-Host 'hello'\""
    return {
        "lnk/powershell/powershell.lnk": _link("powershell.exe", arguments),
        "image/plain/plain.png": _png(16),
    }


def _link(path: str, arguments: str) -> bytes:
    flags = _HAS_RELATIVE_PATH | _HAS_ARGUMENTS | _IS_UNICODE
    header = struct.pack("<I16sII24xIIIH10x", 0x4C, _CLASS, flags, 0x20, 0, 0, 7, 0)
    return header + _counted(path) + _counted(arguments) + bytes(4)


def _counted(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _png(side: int) -> bytes:
    """A grey square; its data is stored, not compressed, so that every zlib gives the same bytes."""
    rows = b"".join(b"\0" + b"\x80" * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored_deflate(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored_deflate(data: bytes) -> bytes:
    """One stored block (RFC 1951, 3.2.4) in a zlib wrapper (RFC 1950)."""
    length = len(data)
    return b"\x78\x01\x01" + struct.pack("<HH", length, length ^ 0xFFFF) + data + struct.pack(">I", zlib.adler32(data))
