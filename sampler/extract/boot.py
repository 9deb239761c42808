"""Where the boot records of a disk lie, as far as the sectors that are known say so. Pure; runs in the child.

MBR and extended partitions: the conventional layout, four entries of 16 bytes at 446 and the mark 55 AA at 510. GPT:
UEFI specification 2.10, section 5.3. Volume boot records are not parsed, only found. Every number in a table is
hostile: one that leads out of the disk is passed over, chains are followed a link a round, counts have ceilings.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sampler.limits import BOOT_RECORDS_MAX_COUNT, BOOT_ROUNDS_MAX_COUNT, BOOT_VOLUME_SECTORS, KIB
from sampler.model import PartKind, Region

_MARK: Final = b"\x55\xaa"
_EXTENDED: Final = (0x05, 0x0F, 0x85)
_PROTECTIVE: Final = 0xEE
_ENTRY: Final = struct.Struct("<8xII")
"""Of an MBR entry: first sector and number of sectors, behind eight bytes of which the fifth is the type."""
_GPT_HEADER: Final = struct.Struct("<8s4xI16xQ32xQII")
"""Signature, (revision), size, (checksums, own sector), other header's sector, …, entries' sector, count, size."""
_GPT_SIGNATURE: Final = b"EFI PART"
_GPT_TABLE_MAX_BYTES: Final = 64 * KIB
_GPT_ENTRY_MIN_BYTES: Final = 128
_VOLUMES: Final = ((3, b"NTFS    "), (3, b"EXFAT   "), (54, b"FAT"), (82, b"FAT32"))
"""Where a boot record says which file system it is of; a disk that begins so has no partition table."""

_Record = tuple[str, int, int]
"""Name, place on the disk and length, before anyone looked whether the disk has it."""


@dataclass(frozen=True, slots=True)
class KnownSectors:
    """What was read of a disk so far."""

    size: int
    """Of the disk, in bytes."""
    sector_bytes: int
    stretches: Sequence[tuple[int, bytes]]
    """Place on the disk, and bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes at a place; empty where they are not all known."""
        for start, data in self.stretches:
            if start <= offset and offset + length <= start + len(data):
                return bytes(data[offset - start : offset - start + length])
        return b""


def boot_records(disk: KnownSectors) -> tuple[Region, ...]:
    """Every record that the known sectors tell of, known itself or not; each lies inside the disk.

    They are called ``mbr``, ``gpt-primary``, ``gpt-backup``, ``ebr:1``, ``vbr:1`` and the like; offsets are the disk's.
    """
    found: dict[tuple[int, int], Region] = {}
    for name, offset, wanted in _records(disk):
        length = min(wanted, disk.size - offset)
        if offset >= 0 and length > 0:
            found.setdefault((offset, length), Region(PartKind.BOOT, name, offset, length))
    return tuple(found.values())


def _records(disk: KnownSectors) -> Iterator[_Record]:
    sector = disk.sector_bytes
    first = disk.read(0, 512)
    if any(first[place : place + len(mark)] == mark for place, mark in _VOLUMES):
        yield "vbr:0", 0, BOOT_VOLUME_SECTORS * sector
        return
    yield "mbr", 0, sector
    yield from _gpt(disk)
    if first[510:512] == _MARK:
        yield from _partitions(disk, first)


def _gpt(disk: KnownSectors) -> Iterator[_Record]:
    sector = disk.sector_bytes
    last = disk.size // sector - 1
    primary = _GptHeader.at(disk, 1)
    backup = _GptHeader.at(disk, last)
    if primary is not None:
        yield from primary.records("gpt-primary", sector)
        if backup is None and primary.other != last:  # a disk that grew has it further in
            yield "gpt-backup", primary.other * sector, sector
            backup = _GptHeader.at(disk, primary.other)
    if backup is not None:
        yield from backup.records("gpt-backup", sector)
    table = primary or backup
    if table is not None:
        yield from _gpt_partitions(disk, table)


@dataclass(frozen=True, slots=True)
class _GptHeader:
    own: int
    other: int
    entries: int
    """Sectors: where this header, the other one and the entries lie."""
    count: int
    entry_bytes: int

    @classmethod
    def at(cls, disk: KnownSectors, number: int) -> _GptHeader | None:
        """The header in a sector, where there is one."""
        data = disk.read(number * disk.sector_bytes, _GPT_HEADER.size) if number > 0 else b""
        if not data.startswith(_GPT_SIGNATURE):
            return None
        _, _, other, entries, count, entry_bytes = _GPT_HEADER.unpack(data)
        return cls(number, other, entries, count, entry_bytes)

    @property
    def table_bytes(self) -> int:
        """Of the entries, as far as they are taken."""
        return min(self.count * self.entry_bytes, _GPT_TABLE_MAX_BYTES)

    def records(self, name: str, sector: int) -> Iterator[_Record]:
        """Header and entries; one record where they lie side by side."""
        table = -(-self.table_bytes // sector) * sector
        header_at, table_at = self.own * sector, self.entries * sector
        if table_at == header_at + sector:
            yield name, header_at, sector + table
        elif table_at + table == header_at:
            yield name, table_at, table + sector
        else:
            yield name, header_at, sector
            yield f"{name}-entries", table_at, table


def _gpt_partitions(disk: KnownSectors, header: _GptHeader) -> Iterator[_Record]:
    if header.entry_bytes < _GPT_ENTRY_MIN_BYTES:
        return
    sector, found = disk.sector_bytes, 0
    for number in range(header.table_bytes // header.entry_bytes):
        entry = disk.read(header.entries * sector + number * header.entry_bytes, 48)
        if entry and any(entry[:16]) and found < BOOT_RECORDS_MAX_COUNT:
            found += 1
            first = int.from_bytes(entry[32:40], "little")
            yield f"vbr:{number + 1}", first * sector, BOOT_VOLUME_SECTORS * sector


def _partitions(disk: KnownSectors, first: bytes) -> Iterator[_Record]:
    sector = disk.sector_bytes
    for number, (kind, start) in enumerate(_entries(first), 1):
        if kind in _EXTENDED:
            yield from _logical(disk, start)
        elif start and kind not in (0, _PROTECTIVE):
            yield f"vbr:{number}", start * sector, BOOT_VOLUME_SECTORS * sector


def _logical(disk: KnownSectors, base: int) -> Iterator[_Record]:
    """The chain of an extended partition, as far as its links are known; the next link is always asked for."""
    sector, link = disk.sector_bytes, base
    seen: set[int] = set()
    while link and link not in seen and len(seen) < BOOT_ROUNDS_MAX_COUNT:
        seen.add(link)
        yield f"ebr:{len(seen)}", link * sector, sector
        data = disk.read(link * sector, 512)
        if data[510:512] != _MARK:
            return
        (kind, start), (next_kind, next_start), *_ = _entries(data)
        if kind and start:
            number = len(seen) + 4
            yield f"vbr:{number}", (link + start) * sector, BOOT_VOLUME_SECTORS * sector
        link = base + next_start if next_kind in _EXTENDED and next_start else 0


def _entries(data: bytes) -> list[tuple[int, int]]:
    """Type and first sector of each of the four entries."""
    pieces = [data[place : place + 16] for place in range(446, 510, 16)]
    return [(piece[4], _ENTRY.unpack(piece)[0]) for piece in pieces]
