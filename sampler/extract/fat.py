"""Files of a FAT12, FAT16 or FAT32 volume as stretches or as chains of clusters (Microsoft, FAT 1.03)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import KIB, MIB

_BLOCK: Final = struct.Struct("<HBHBHHBHHHII")
"""BIOS parameter block from byte 11 on: sector, cluster, reserved, tables, root entries, sectors, …"""
_ENTRY: Final = struct.Struct("<11sB8xH4xHI")
_ENTRIES_MAX_COUNT: Final = 16_384
_FOLDERS_MAX_COUNT: Final = 2048
_DIRECTORY_MAX_BYTES: Final = 1 * MIB
_DEPTH_MAX_COUNT: Final = 32
_CHAIN_MAX_COUNT: Final = 1_000_000
"""Of one file or directory that are followed."""
_PATH_MAX_BYTES: Final = 1024
_FOLDER, _LABEL, _LONG_NAME = 0x10, 0x08, 0x0F
_DELETED, _END = 0xE5, 0x00

Run = tuple[int, int]
"""Byte offset and length of a stretch."""


@dataclass(frozen=True, slots=True)
class FatFile:
    """One file of a volume."""

    name: str
    raw_name: bytes
    first: int
    """Its first cluster."""
    size: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class FatVolume:
    """The layout of a volume; offsets in bytes of the whole image."""

    bits: int
    """12, 16 or 32: how wide the entries of the table are."""
    table: int
    root: int
    """The root directory of FAT12 and FAT16."""
    root_bytes: int
    root_cluster: int
    """The root directory of FAT32; 0 where there is none."""
    data: int
    """Cluster 2."""
    cluster_bytes: int
    clusters: int
    """How many there are; they are numbered from 2 on."""
    end: int
    """Behind the volume."""

    def stretch(self, cluster: int) -> int:
        """Byte offset of a cluster."""
        return self.data + (cluster - 2) * self.cluster_bytes


def read_volume(data: Data, base: int) -> FatVolume | None:
    """The volume whose boot sector lies at ``base``, or ``None`` where its parameters are none (FAT, section 3)."""
    sector = bytes(data[base : base + 512])
    if len(sector) < 512 or sector[510:] != b"\x55\xaa" or sector[0] not in (0xEB, 0xE9):
        return None
    size, per_cluster, reserved, tables, entries, few, _, table_sectors, _, _, _, many = _BLOCK.unpack_from(sector, 11)
    table_sectors = table_sectors or int.from_bytes(sector[36:40], "little")
    sectors = few or many
    root_bytes = -(-entries * 32 // size) * size if size in (512, 1024, 2048, 4096) else 0
    first = reserved + tables * table_sectors + (root_bytes // size if size else 0)
    is_sound = size in (512, 1024, 2048, 4096) and per_cluster.bit_count() == 1 and tables in (1, 2) and reserved
    if not is_sound or not table_sectors or first >= sectors:
        return None
    clusters = (sectors - first) // per_cluster
    bits = 12 if clusters < 4085 else 16 if clusters < 65_525 else 32
    root_cluster = int.from_bytes(sector[44:48], "little") if not entries else 0
    return FatVolume(
        32 if root_cluster else bits, base + reserved * size, base + (reserved + tables * table_sectors) * size,
        root_bytes, root_cluster, base + first * size, per_cluster * size, clusters, base + sectors * size,
    )  # fmt: skip


def chain(data: Data, volume: FatVolume, first: int, wanted_bytes: int) -> Iterator[int]:
    """The clusters of a file from its first one on, as many as ``wanted_bytes`` take; a loop ends it."""
    cluster, seen = first, set[int]()
    count = min(-(-wanted_bytes // volume.cluster_bytes), _CHAIN_MAX_COUNT)
    while len(seen) < count and 2 <= cluster < volume.clusters + 2 and cluster not in seen:
        seen.add(cluster)
        yield cluster
        cluster = _next(data, volume, cluster)


def runs(data: Data, volume: FatVolume, file: FatFile) -> list[Run]:
    """The stretches that a file consists of."""
    clusters = list(chain(data, volume, file.first, file.size))
    breaks = [0, *(at for at, (one, two) in enumerate(pairwise(clusters), 1) if two != one + 1), len(clusters)]
    found, left = [], file.size
    for start, stop in pairwise(breaks):
        length = min(left, (stop - start) * volume.cluster_bytes)
        if length > 0:
            found.append((volume.stretch(clusters[start]), length))
        left -= length
    return found


def walk(data: Data, volume: FatVolume, faults: list[Fault]) -> Iterator[FatFile]:
    """The files of a volume, deleted ones among them; what does not hold together is added to ``faults``."""
    waiting = deque([(b"", volume.root_cluster, 0)])
    seen = {volume.root_cluster}
    left = _ENTRIES_MAX_COUNT
    while waiting:
        path, cluster, depth = waiting.popleft()
        for file, is_folder in _directory(_content(data, volume, cluster), path):
            left -= 1
            if left < 0:
                faults.append(Fault("too-many-members", f"only the first {_ENTRIES_MAX_COUNT} entries are read"))
                return
            if not is_folder:
                yield file
            elif not file.deleted and file.first in seen:
                faults.append(Fault("directory-loop", f"the directory {file.name!r} lies where another one does"))
            elif not file.deleted and depth < _DEPTH_MAX_COUNT and len(seen) < _FOLDERS_MAX_COUNT:
                seen.add(file.first)
                waiting.append((file.raw_name + b"/", file.first, depth + 1))


def _next(data: Data, volume: FatVolume, cluster: int) -> int:
    if volume.bits == 12:
        at = volume.table + cluster * 3 // 2
        pair = int.from_bytes(bytes(data[at : at + 2]), "little")
        return pair >> 4 if cluster % 2 else pair & 0xFFF
    width = volume.bits // 8
    at = volume.table + cluster * width
    return int.from_bytes(bytes(data[at : at + width]), "little") & 0x0FFFFFFF


def _content(data: Data, volume: FatVolume, cluster: int) -> Iterator[bytes]:
    """A directory in pieces that hold whole entries."""
    if cluster == 0:
        for start in range(volume.root, volume.root + min(volume.root_bytes, _DIRECTORY_MAX_BYTES), 32 * KIB):
            yield bytes(data[start : min(start + 32 * KIB, volume.root + volume.root_bytes)])
        return
    for number in chain(data, volume, cluster, _DIRECTORY_MAX_BYTES):
        start = volume.stretch(number)
        yield bytes(data[start : start + volume.cluster_bytes])


def _directory(pieces: Iterator[bytes], path: bytes) -> Iterator[tuple[FatFile, bool]]:
    long: list[bytes] = []
    for piece in pieces:
        for at in range(0, len(piece) - 31, 32):
            row = piece[at : at + 32]
            if row[0] == _END:
                return
            if row[11] & 0x3F == _LONG_NAME:
                long.insert(0, row[1:11] + row[14:26] + row[28:32])
                del long[20:]
                continue
            if not row[11] & _LABEL and not row.startswith((b". ", b"..")):
                yield _entry(row, long, path)
            long = []


def _entry(row: bytes, long: list[bytes], path: bytes) -> tuple[FatFile, bool]:
    short, kind, high, low, size = _ENTRY.unpack(row)
    stem, suffix = short[:8].rstrip(), short[8:].rstrip()
    name = b"?" + stem[1:] if row[0] == _DELETED else stem
    name += b"." + suffix if suffix else b""
    if long:
        name = b"".join(long).decode("utf-16-le", "replace").partition("\0")[0].encode("utf-8", "replace")
    raw = (path + name)[:_PATH_MAX_BYTES]
    first = high << 16 | low
    return FatFile(printable(raw), raw, first, size, row[0] == _DELETED), bool(kind & _FOLDER)
