"""Whether content is the image of a disk or a file system: GPT, MBR, FAT, NTFS, ISO 9660, and virtual disks."""

from __future__ import annotations

import struct
from typing import Final

from sampler.describe.content_data import Data, read

_SECTOR_BYTES: Final = 512
_BOOT_SIGNATURE: Final = b"\x55\xaa"
_MARKS: Final = (
    (512, b"EFI PART"), (4096, b"EFI PART"), (32769, b"CD001"), (32769, b"NSR0"), (3, b"NTFS    "), (3, b"EXFAT   "),
    (0, b"QFI\xfb"), (0, b"vhdxfile"), (0, b"conectix"), (0, b"KDMV"), (64, b"\x7f\x10\xda\xbe"),
)  # fmt: skip
"""Offset and bytes: GPT on 512 and 4,096-byte sectors, ISO 9660, UDF, NTFS, exFAT, qcow, VHDX, VHD, VMDK, VDI."""


def is_disk(data: Data) -> bool:
    """Whether a system would mount or boot it."""
    if any(read(data, offset, len(mark)) == mark for offset, mark in _MARKS):
        return True
    sector = read(data, 0, _SECTOR_BYTES)
    return sector[510:] == _BOOT_SIGNATURE and (_is_fat(sector) or _has_partitions(sector))


def _is_fat(sector: bytes) -> bool:
    """A BIOS parameter block (ECMA-107, 9): a jump, a sector size, one or two tables, a reserved area."""
    sector_bytes, cluster, reserved, tables = struct.unpack_from("<HBHB", sector, 11)
    return (
        sector[0] in (0xEB, 0xE9)
        and sector_bytes in (512, 1024, 2048, 4096)
        and cluster.bit_count() == 1
        and reserved > 0
        and tables in (1, 2)
    )


def _has_partitions(sector: bytes) -> bool:
    """A master boot record's table: four rows whose status is 0 or 0x80, one of them at least in use."""
    rows = [struct.unpack_from("<B3xB3xII", sector, 446 + 16 * index) for index in range(4)]
    return all(status in (0, 0x80) for status, *_ in rows) and any(kind and length for _, kind, _, length in rows)
