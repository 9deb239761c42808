"""Headers of RAR archives as frozen values (RARLAB, "RAR 5.0 archive format"; technote of RAR 2.x to 4.x).

Never raises.
Only headers are read: names, sizes, methods, encryption. Blocks are counted, and a block that is shorter than a header
ends the reading.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import KIB

MAGIC_4: Final = b"Rar!\x1a\x07\x00"
MAGIC_5: Final = b"Rar!\x1a\x07\x01\x00"
BLOCKS_MAX_COUNT: Final = 8192
_HEADER_MAX_BYTES: Final = 64 * KIB
"""Of one block; RAR 5 allows 2 MiB, of which names take 64 KiB at most."""

_MAIN_4, _FILE_4, _END_4 = 0x73, 0x74, 0x7B
_FILE_5, _ENCRYPTION_5, _END_5 = 2, 4, 5
_HEADER_4: Final = struct.Struct("<HBHH")
_FILE_HEADER_4: Final = struct.Struct("<IIBIIBBHI")
_STORED_4: Final = 0x30


@dataclass(frozen=True, slots=True)
class RarMember:
    """One file; offset and sizes in bytes, not checked against the object."""

    name: str
    """Fit to be shown; never to be opened."""
    raw_name: bytes
    offset: int
    packed_size: int
    size: int
    crc: int | None
    """CRC-32 of its bytes; ``None`` where there is none, or only of a part."""
    stored: bool
    encrypted: bool
    folder: bool
    split: bool
    """It begins in a volume before, or goes on in a later one."""


@dataclass(frozen=True, slots=True)
class RarFile:
    """What the headers of an archive say."""

    members: tuple[RarMember, ...]
    faults: tuple[Fault, ...]
    end: int
    """Behind the last block that holds together."""


def read_rar(data: Data) -> RarFile:
    """The members of an archive, of either generation."""
    is_new = bytes(data[: len(MAGIC_5)]) == MAGIC_5
    reader = _Reader5(data, len(MAGIC_5)) if is_new else _Reader4(data, len(MAGIC_4))
    members = tuple(reader.members())
    return RarFile(members, tuple(reader.faults), min(reader.offset, len(data)))


class _Reader4:
    """RAR 2.x to 4.x: blocks of CRC-16, type, flags, size."""

    def __init__(self, data: Data, offset: int) -> None:
        self._data = data
        self.offset = offset
        self.faults: list[Fault] = []

    def members(self) -> Iterator[RarMember]:
        for _ in range(BLOCKS_MAX_COUNT):
            block = bytes(self._data[self.offset : self.offset + _HEADER_MAX_BYTES])
            if len(block) < _HEADER_4.size:
                self._cut(block)
                return
            crc, kind, flags, size = _HEADER_4.unpack_from(block)
            if not _HEADER_4.size <= size <= len(block) or zlib.crc32(block[2:size]) & 0xFFFF != crc:
                self.faults.append(Fault("damaged", f"the block at {self.offset} is cut off or has another checksum"))
                return
            behind = self.offset + size
            added = int.from_bytes(block[7:11], "little") if flags & 0x8000 else 0
            if kind == _FILE_4 and size >= _HEADER_4.size + _FILE_HEADER_4.size:
                member = _file_4(block[:size], flags, behind)
                added = member.packed_size
                yield member
            self.offset = behind + added
            if kind == _MAIN_4 and flags & 0x80:
                self.faults.append(Fault("encrypted", "its headers are encrypted"))
                return
            if kind == _END_4:
                return
        self.faults.append(Fault("too-many-members", f"only the first {BLOCKS_MAX_COUNT} blocks are read"))

    def _cut(self, block: bytes) -> None:
        if block:
            self.faults.append(Fault("truncated", f"the block at {self.offset} is cut off"))


def _file_4(block: bytes, flags: int, behind: int) -> RarMember:
    packed, size, _, crc, _, _, method, name_bytes, _ = _FILE_HEADER_4.unpack_from(block, _HEADER_4.size)
    start = _HEADER_4.size + _FILE_HEADER_4.size
    if flags & 0x100:
        packed |= int.from_bytes(block[start : start + 4], "little") << 32
        size |= int.from_bytes(block[start + 4 : start + 8], "little") << 32
        start += 8
    raw = block[start : start + name_bytes]
    plain = raw.partition(b"\0")[0] if flags & 0x200 else raw
    split = bool(flags & 3)
    return RarMember(
        printable(plain.replace(b"\\", b"/")), plain, behind, packed, size, None if split else crc,
        stored=method == _STORED_4, encrypted=bool(flags & 4), folder=flags & 0xE0 == 0xE0, split=split,
    )  # fmt: skip


class _Reader5:
    """RAR 5: blocks of CRC-32, size, type, flags, in numbers of seven bits a byte."""

    def __init__(self, data: Data, offset: int) -> None:
        self._data = data
        self.offset = offset
        self.faults: list[Fault] = []

    def members(self) -> Iterator[RarMember]:
        for _ in range(BLOCKS_MAX_COUNT):
            block = bytes(self._data[self.offset : self.offset + _HEADER_MAX_BYTES])
            if not block:
                return
            size, start = _number(block, 4)
            whole = block[: start + size]
            if size == 0 or len(whole) < start + size or zlib.crc32(whole[4:]) != int.from_bytes(block[:4], "little"):
                self.faults.append(Fault("damaged", f"the block at {self.offset} is cut off or has another checksum"))
                return
            kind, at = _number(whole, start)
            flags, at = _number(whole, at)
            extra, at = _number(whole, at) if flags & 1 else (0, at)
            packed, at = _number(whole, at) if flags & 2 else (0, at)
            behind = self.offset + len(whole)
            if kind == _FILE_5:
                yield _file_5(whole, at, behind, packed, extra, split=bool(flags & 0x18))
            self.offset = behind + packed
            if kind == _ENCRYPTION_5:
                self.faults.append(Fault("encrypted", "its headers are encrypted"))
            if kind in (_ENCRYPTION_5, _END_5):
                return
        self.faults.append(Fault("too-many-members", f"only the first {BLOCKS_MAX_COUNT} blocks are read"))


def _file_5(block: bytes, at: int, behind: int, packed: int, extra: int, *, split: bool) -> RarMember:
    flags, at = _number(block, at)
    size, at = _number(block, at)
    _, at = _number(block, at)
    at += 4 if flags & 2 else 0
    crc = int.from_bytes(block[at : at + 4], "little") if flags & 4 else None
    at += 4 if flags & 4 else 0
    method, at = _number(block, at)
    _, at = _number(block, at)
    length, at = _number(block, at)
    raw = block[at : at + length]
    encrypted = 1 in _extra_kinds(block[max(at + length, len(block) - extra) :]) if extra else False
    return RarMember(
        printable(raw), raw, behind, packed, size, None if split or encrypted else crc,
        stored=method >> 7 & 7 == 0, encrypted=encrypted, folder=bool(flags & 1), split=split,
    )  # fmt: skip


def _extra_kinds(area: bytes) -> Iterator[int]:
    at = 0
    while at < len(area):
        size, start = _number(area, at)
        kind, _ = _number(area, start)
        yield kind
        at = start + max(size, 1)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and where it ends; 0 behind the end."""
    value = 0
    for index, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    return 0, len(data)
