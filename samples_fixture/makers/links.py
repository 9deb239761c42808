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
        "lnk/data-behind/data-behind.lnk": _target_link() + b"echo hello\n",
        "image/plain/plain.png": _png(16),
    }


def _link(path: str, arguments: str) -> bytes:
    flags = _HAS_RELATIVE_PATH | _HAS_ARGUMENTS | _IS_UNICODE
    header = struct.pack("<I16sII24xIIIH10x", 0x4C, _CLASS, flags, 0x20, 0, 0, 7, 0)
    return header + _counted(path) + _counted(arguments) + bytes(4)


def _target_link() -> bytes:
    """A link with a list of items, link information, a hot key and an environment block (2.2, 2.3, 2.5.4)."""
    drive = b"\x2fC:\\".ljust(23, b"\0")
    file = b"\x32\0" + bytes(10) + b"NOTE~1.EXE\0\0"
    long_name = "a harmless note.exe".encode("utf-16-le") + b"\0\0"
    block = struct.pack("<HI28xHII", 9, 0xBEEF0004, 0, 0, 0) + long_name
    items = b"".join(struct.pack("<H", len(item) + 2) + item for item in (drive, file + _sized(block))) + bytes(2)
    base = b"C:\\note.exe\0"
    info = struct.pack("<IIIIIII", 28 + len(base) + 1, 28, 1, 0, 28, 0, 28 + len(base)) + base + b"\0"
    path = "%windir%\\note.exe"
    environment = struct.pack("<II260s520s", 788, 0xA0000001, path.encode(), path.encode("utf-16-le"))
    header = struct.pack("<I16sII24xIiIBB10x", 0x4C, _CLASS, 0x03 | _IS_UNICODE, 0x20, 0, 0, 1, 0x54, 6)
    return header + struct.pack("<H", len(items)) + items + info + environment + bytes(4)


def _sized(block: bytes) -> bytes:
    return struct.pack("<H", len(block) + 2) + block


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
