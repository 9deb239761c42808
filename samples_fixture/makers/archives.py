"""Archives: ZIP (APPNOTE 6.3) and RAR 5, members uncompressed so that the bytes are the same everywhere."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from makers import pe

_DATE = (1980, 1, 1, 0, 0, 0)
_RAR_MAIN, _RAR_FILE, _RAR_END = 1, 2, 5


def samples() -> dict[str, bytes]:
    """All archives that are made here."""
    program = pe.build([pe.Section(b".text", pe.RETURN_ZERO, pe.CODE)])
    note = b"A harmless note.\n"
    return {
        "zip/plain/plain.zip": stored_zip({"note.txt": note, "folder/other.txt": note}),
        "zip/executable-member/executable-member.zip": stored_zip({"note.txt": note, "invoice.pdf.exe": program}),
        "zip/path-traversal/path-traversal.zip": stored_zip({"note.txt": note, "../../outside.txt": note}),
        "rar/executable-member/executable-member.rar": stored_rar({"note.txt": note, "setup.exe": program}),
    }


def stored_zip(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of these members, in this order, uncompressed, all from 1980."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def stored_rar(members: Mapping[str, bytes]) -> bytes:
    """A RAR 5 archive of these members, uncompressed (RAR 5.0 archive format, RARLAB technote)."""
    parts = [b"Rar!\x1a\x07\x01\x00", _rar_header(_RAR_MAIN, 0, b"\0")]
    for name, data in members.items():
        encoded = name.encode()
        fields = _vint(len(data)) + _vint(4) + _vint(len(data)) + _vint(0o100644)
        fields += struct.pack("<I", zlib.crc32(data)) + _vint(0) + _vint(1) + _vint(len(encoded)) + encoded
        parts += [_rar_header(_RAR_FILE, 2, fields), data]
    return b"".join([*parts, _rar_header(_RAR_END, 0, b"\0")])


def _rar_header(kind: int, flags: int, fields: bytes) -> bytes:
    body = _vint(kind) + _vint(flags) + fields
    sized = _vint(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _vint(value: int) -> bytes:
    """A number in groups of seven bits, lowest first, the high bit set on all but the last."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
