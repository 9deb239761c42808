"""Boot records of a disk of which every sector is hostile, read in rounds as a capture does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fuzz.target import Target
from sampler.examine.checking import check_boot_records
from sampler.extract.boot import KnownSectors, boot_records
from sampler.limits import BOOT_ROUNDS_MAX_COUNT

_SECTOR_BYTES: Final = 512
_DISK_MAX_BYTES: Final = 1 << 40


def one_input(data: bytes) -> None:
    """What the agent believes of a child, whatever the sectors say that are read for it."""
    if len(data) < 8:
        return
    size = int.from_bytes(data[:8], "little") % _DISK_MAX_BYTES
    sectors = data[8:]
    known: list[tuple[int, bytes]] = [(0, sectors[:_SECTOR_BYTES])]
    read: frozenset[tuple[int, int]] = frozenset()
    for _ in range(BOOT_ROUNDS_MAX_COUNT):
        records = boot_records(KnownSectors(size, _SECTOR_BYTES, known))
        check_boot_records(records, size, _SECTOR_BYTES)
        new = frozenset((record.offset, record.length) for record in records) - read
        known += [(offset, _repeated(sectors, offset, length)) for offset, length in new]
        read |= new


def _repeated(sectors: bytes, offset: int, length: int) -> bytes:
    """A disk as large as is asked for, of which the input is all there is."""
    start = offset % max(1, len(sectors))
    return (sectors[start:] + sectors * (1 + length // max(1, len(sectors))))[:length]


def _seeds() -> Iterator[bytes]:
    size = struct.pack("<Q", 1 << 30)
    entry = struct.pack("<8xII", 1, 1 << 20)
    for kind in (b"\x0c", b"\x05", b"\xee"):
        typed = entry[:4] + kind + entry[5:]
        yield size + bytes(446) + typed * 4 + b"\x55\xaa"
    header = struct.pack("<8s4xI16xQ32xQII", b"EFI PART", 92, 1, 2, 4, 128)
    yield size + bytes(446) + typed + bytes(48) + b"\x55\xaa" + header.ljust(512, b"\0") + bytes(range(1, 129)) * 4


TARGET: Final = Target(
    one_input, _seeds, tokens=(b"EFI PART", b"\x55\xaa", b"NTFS    ", b"FAT", b"\xee"), max_bytes=4096
)
