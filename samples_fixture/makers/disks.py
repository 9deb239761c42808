"""Disk images: a FAT12 volume (ECMA-107), a disk with a master boot record that holds one, an ISO 9660 image."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from makers import pe

_SECTOR_BYTES = 512
_VOLUME_SECTORS = 64
_DISC_SECTOR_BYTES = 2048
_NOTE = b"A harmless note.\r\n"
_DATE = 0x21
"""1 January 1980."""
_HALT = b"\xfa\xf4\xeb\xfd"
"""cli; hlt; jmp back: a boot sector that stops."""


def samples() -> dict[str, bytes]:
    """All images."""
    program = pe.build([pe.Section(b".text", pe.RETURN_ZERO, pe.CODE)])
    return {
        "disk/fat12/fat12.img": _fat12(),
        "disk/mbr/mbr.img": _partitioned(),
        "disk/iso/iso.iso": _iso({"NOTE.TXT;1": _NOTE, "SETUP.EXE;1": program}),
    }


def _fat12(*, hidden_sectors: int = 0) -> bytes:
    """Boot sector, two file allocation tables of one sector, a root directory of one sector, one file."""
    volume = bytearray(_VOLUME_SECTORS * _SECTOR_BYTES)
    volume[: len(_boot_sector(0))] = _boot_sector(hidden_sectors)
    for table in (1, 2):
        struct.pack_into("<BBBBB", volume, table * _SECTOR_BYTES, 0xF8, 0xFF, 0xFF, 0xFF, 0x0F)
    entry = b"NOTE    TXT" + struct.pack("<BBBHHHHHHHI", 0x20, 0, 0, 0, _DATE, _DATE, 0, 0, _DATE, 2, len(_NOTE))
    label = b"FIXTURE    " + struct.pack("<B10xHHHI", 0x08, 0, _DATE, 0, 0)
    volume[3 * _SECTOR_BYTES : 3 * _SECTOR_BYTES + 64] = label + entry
    volume[4 * _SECTOR_BYTES : 4 * _SECTOR_BYTES + len(_NOTE)] = _NOTE
    return bytes(volume)


def _boot_sector(hidden_sectors: int) -> bytes:
    geometry = struct.pack(
        "<HBHBHHBHHHII", _SECTOR_BYTES, 1, 1, 2, 16, _VOLUME_SECTORS, 0xF8, 1, 32, 2, hidden_sectors, 0
    )
    extended = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x20260101, b"FIXTURE", b"FAT12".ljust(8))
    sector = b"\xeb\x3c\x90" + b"MSDOS5.0" + geometry + extended.replace(b"FIXTURE\0\0\0\0", b"FIXTURE    ") + _HALT
    return sector.ljust(510, b"\0") + b"\x55\xaa"


def _partitioned() -> bytes:
    """One partition of type 0x01 (FAT12) from sector 1 on."""
    partition = struct.pack("<B3sB3sII", 0x80, b"\0\x02\0", 0x01, b"\x02\x01\0", 1, _VOLUME_SECTORS)
    record = (_HALT.ljust(440, b"\0") + struct.pack("<IH", 0x20260101, 0) + partition).ljust(510, b"\0") + b"\x55\xaa"
    return record + _fat12(hidden_sectors=1)


def _iso(files: Mapping[str, bytes]) -> bytes:
    """An ISO 9660 image (ECMA-119) without dates: one descriptor and its end, two path tables, one directory, files."""
    sector, records, body = _DISC_SECTOR_BYTES, b"", b""
    tables, directory_at, first = 18, 20, 21
    for name, data in files.items():
        records += _iso_record(name.encode(), first + len(body) // sector, len(data), 0)
        body += data + bytes(-len(data) % sector)
    root = _iso_record(b"\0", directory_at, sector, 2)
    directory = root + _iso_record(b"\1", directory_at, sector, 2) + records
    blocks = first + len(body) // sector
    paths = [struct.pack(order + "BBIHBB", 1, 0, directory_at, 1, 0, 0) for order in "<>"]
    descriptor = bytearray(b"\x01CD001\x01".ljust(sector, b"\0"))
    descriptor[8:72] = b" " * 32 + b"FIXTURE".ljust(32)
    descriptor[80:88] = _both("I", blocks)
    descriptor[120:140] = _both("H", 1) + _both("H", 1) + _both("H", sector) + _both("I", len(paths[0]))
    descriptor[140:156] = struct.pack("<II", tables, 0) + struct.pack(">II", tables + 1, 0)
    descriptor[156:190] = root
    descriptor[881] = 1
    end = b"\xffCD001\x01".ljust(sector, b"\0")
    rest = b"".join(piece.ljust(sector, b"\0") for piece in (*paths, directory))
    return bytes(16 * sector) + descriptor + end + rest + body


def _both(kind: str, value: int) -> bytes:
    """A number in both byte orders (7.2.3, 7.3.3)."""
    return struct.pack("<" + kind, value) + struct.pack(">" + kind, value)


def _iso_record(name: bytes, block: int, size: int, flags: int) -> bytes:
    """A directory record (9.1): most numbers stand there in both byte orders."""
    length = 33 + len(name) + (len(name) + 1) % 2
    places = _both("I", block) + _both("I", size)
    head = bytes([length, 0]) + places + bytes(7) + bytes([flags, 0, 0]) + _both("H", 1) + bytes([len(name)])
    return (head + name).ljust(length, b"\0")
