from __future__ import annotations

import struct

import pytest

from sampler.describe import describe_content
from sampler.describe.disks import is_disk
from sampler.model import ContentKind


def at(offset: int, mark: bytes, size: int = 65536) -> bytes:
    return (b"\0" * offset + mark).ljust(size, b"\0")


def fat(sector_bytes: int = 512, tables: int = 2) -> bytes:
    boot = b"\xeb\x3c\x90MSDOS5.0" + struct.pack("<HBHBHHBH", sector_bytes, 1, 1, tables, 224, 2880, 0xF0, 9)
    return boot.ljust(510, b"\0") + b"\x55\xaa" + b"\0" * 4096


def mbr(kind: int = 0x83, status: int = 0x80) -> bytes:
    row = struct.pack("<B3xB3xII", status, kind, 2048, 100_000)
    return b"\xfa\x33\xc0".ljust(446, b"\0") + row + b"\0" * 48 + b"\x55\xaa" + b"\0" * 4096


DISKS = {
    "fat": fat(), "mbr": mbr(), "iso": at(32769, b"CD001"), "gpt": at(512, b"EFI PART"), "qcow": at(0, b"QFI\xfb"),
    "ntfs": at(3, b"NTFS    "), "vhdx": at(0, b"vhdxfile"),
}  # fmt: skip


@pytest.mark.parametrize("name", DISKS)
def test_images_of_disks_are_recognised(name: str) -> None:
    """File systems, partition tables and virtual disks are disks by their own marks."""
    assert describe_content(DISKS[name], b"x.docx").kind is ContentKind.DISK


@pytest.mark.parametrize(
    "data",
    [
        fat(sector_bytes=500),
        fat(tables=9),
        mbr(kind=0),
        mbr(status=0x41),
        at(510, b"\x55\xaa"),
        b"\x55\xaa",
        b"",
        b"\0" * 511,
    ],
)
def test_a_boot_signature_alone_is_no_disk(data: bytes) -> None:
    """A sector with the signature and neither file system nor partition is none."""
    assert not is_disk(data)
