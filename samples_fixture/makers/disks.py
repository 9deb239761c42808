"""Disk images: a FAT12 volume (ECMA-107), and a disk with a master boot record that holds one."""

from __future__ import annotations

import struct

_SECTOR_BYTES = 512
_VOLUME_SECTORS = 64
_NOTE = b"A harmless note.\r\n"
_DATE = 0x21
"""1 January 1980."""
_HALT = b"\xfa\xf4\xeb\xfd"
"""cli; hlt; jmp back: a boot sector that stops."""


def samples() -> dict[str, bytes]:
    """Both images."""
    return {"disk/fat12/fat12.img": _fat12(), "disk/mbr/mbr.img": _partitioned()}


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
