"""Archives of many formats, members uncompressed so that the bytes are the same everywhere."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from makers import pe

_DATE = (1980, 1, 1, 0, 0, 0)
_BZIP2_NOTE = bytes.fromhex("425a683931415926535978a6f459000002558000104001200022479c002000310000084f4868f53ca0a5bcdbef0b0912fe2ee48a70a120f14de8b2")
"""The harmless note, as bzip2 1.0.8 compresses it."""
_RAR_MAIN, _RAR_FILE, _RAR_END = 1, 2, 5


def samples() -> dict[str, bytes]:
    """All archives that are made here."""
    program, inner, locked = (
        pe.build([pe.Section(name, pe.RETURN_ZERO, pe.CODE)]) for name in (b".text", b".inner", b".locked")
    )  # each its own, so that the queue asks for all of them
    note = b"A harmless note.\n"
    return {
        "zip/plain/plain.zip": stored_zip({"note.txt": note, "folder/other.txt": note}),
        "zip/executable-member/executable-member.zip": stored_zip({"note.txt": note, "invoice.pdf.exe": program}),
        "zip/path-traversal/path-traversal.zip": stored_zip({"note.txt": note, "../../outside.txt": note}),
        "zip/nested/nested.zip": stored_zip({"inner.zip": stored_zip({"setup.exe": inner}), "note.txt": note}),
        "zip/password-infected/password-infected.zip": encrypted_zip("setup.exe", locked, b"infected"),
        "rar/executable-member/executable-member.rar": stored_rar({"note.txt": note, "setup.exe": program[:-1] + b"\1"}),
        "tar/executable-member/executable-member.tar": ustar({"note.txt": note, "setup.exe": program}),
        "gzip/tar/plain.tar.gz": stored_gzip("plain.tar", ustar({"note.txt": note})),
        "bzip2/plain/plain.bz2": _BZIP2_NOTE,
        "xz/plain/plain.xz": stored_xz(note),
        "zstd/plain/plain.zst": stored_zstd(note),
        "seven/executable-member/executable-member.7z": stored_7z({"note.txt": note, "setup.exe": program}),
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


def encrypted_zip(name: str, data: bytes, password: bytes) -> bytes:
    """A ZIP of one stored member under the old encryption (APPNOTE.TXT 6.1); its random header is zeros."""
    crc = zlib.crc32(data)
    packed = _encrypted(bytes(11) + bytes([crc >> 24]) + data, password)
    plain = bytearray(stored_zip({name: packed}))
    central = plain.rfind(b"PK\x01\x02")
    for flags_at, crc_at in ((6, 14), (central + 8, central + 16)):
        struct.pack_into("<H", plain, flags_at, 1)
        struct.pack_into("<III", plain, crc_at, crc, len(packed), len(data))
    return bytes(plain)


def _encrypted(data: bytes, password: bytes) -> bytes:
    keys, made = [0x12345678, 0x23456789, 0x34567890], bytearray()
    for byte in password:
        _stir(keys, byte)
    for byte in data:
        mask = keys[2] & 0xFFFF | 2
        made.append(byte ^ mask * (mask ^ 1) >> 8 & 0xFF)
        _stir(keys, byte)
    return bytes(made)


def _stir(keys: list[int], byte: int) -> None:
    keys[0] = _crc_step(keys[0], byte)
    keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
    keys[2] = _crc_step(keys[2], keys[1] >> 24)


def _crc_step(value: int, byte: int) -> int:
    """One byte of CRC-32 without its complements."""
    return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def ustar(members: Mapping[str, bytes]) -> bytes:
    """A tape archive of these members (POSIX.1-2017, pax, "ustar Interchange Format"), all from 1980."""
    blocks = [_ustar_header(name, data) + data + bytes(-len(data) % 512) for name, data in members.items()]
    return b"".join(blocks) + bytes(1024)


def _ustar_header(name: str, data: bytes) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (0o644, 0, 0, len(data), 315532800)
    head = name.encode().ljust(100, b"\0") + numbers + b" " * 8 + b"0" + bytes(100) + b"ustar\x0000"
    return head[:148] + b"%06o\0 " % sum(head) + head[156:].ljust(512 - 156, b"\0")


def stored_gzip(name: str, data: bytes) -> bytes:
    """A gzip file (RFC 1952) of one stored block (RFC 1951, 3.2.4)."""
    block = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    head = b"\x1f\x8b\x08\x08" + bytes(4) + b"\x00\xff" + name.encode() + b"\0"
    return head + block + struct.pack("<II", zlib.crc32(data), len(data))


def stored_xz(data: bytes) -> bytes:
    """An xz file (The .xz File Format 1.2) of one block of one uncompressed chunk of LZMA2."""
    flags = b"\0\x01"
    checked = struct.pack("<I", zlib.crc32(flags))
    block_head = b"\x02\0\x21\x01\0\0\0\0"
    chunk = b"\x01" + struct.pack(">H", len(data) - 1) + data + b"\0"
    block = block_head + struct.pack("<I", zlib.crc32(block_head)) + chunk
    unpadded = len(block) + 4
    block += bytes(-len(block) % 4) + struct.pack("<I", zlib.crc32(data))
    index = b"\0\x01" + _vint(unpadded) + _vint(len(data))
    index += bytes(-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    back = struct.pack("<I", len(index) // 4 - 1) + flags
    return b"\xfd7zXZ\0" + flags + checked + block + index + struct.pack("<I", zlib.crc32(back)) + back + b"YZ"


def stored_zstd(data: bytes) -> bytes:
    """A Zstandard frame (RFC 8878) of one raw block, with its size in a byte."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def stored_7z(members: Mapping[str, bytes]) -> bytes:
    """A 7z archive (7zFormat.txt) of one folder that is a plain copy of these members."""
    packed = b"".join(members.values())
    sizes = b"".join(_7z_number(len(data)) for data in list(members.values())[:-1])
    crcs = b"".join(struct.pack("<I", zlib.crc32(data)) for data in members.values())
    total, count = _7z_number(len(packed)), bytes([len(members)])
    streams = b"\x06\0\x01\x09" + total + b"\0\x07\x0b\x01\0\x01\x01\0\x0c" + total + b"\0"
    streams += b"\x08\x0d" + count + b"\x09" + sizes + b"\x0a\x01" + crcs + b"\0\0"
    names = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in members)
    header = b"\x01\x04" + streams + b"\x05" + count + b"\x11" + _7z_number(len(names)) + names + b"\0\0"
    place = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", zlib.crc32(place)) + place + packed + header


def _7z_number(value: int) -> bytes:
    """A number below 16,384 as 7z writes it."""
    return bytes([value]) if value < 0x80 else bytes([0x80 | value >> 8, value & 0xFF])


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
