"""A compound file ([MS-CFB]): its directory, and the bytes of its streams. It ends on every loop and copies no whole.

Tables are read where they lie, entry by entry. No chain is followed further than the file has sectors, no table
further than its ceiling, and what a chain yields before it breaks is taken.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import Fault, NotUnpacked, Unpacked
from sampler.extract.extraction import Data
from sampler.extract.ole_directory import ENTRY_BYTES, OleEntry, placed, read_entries
from sampler.limits import MIB

MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")
ENTRIES_MAX_COUNT: Final = 8192
"""Entries of the directory that are read."""
FAT_SECTORS_MAX_COUNT: Final = 65_536
"""What a file of 4 GiB with sectors of 512 bytes has."""
MINI_STREAM_MAX_BYTES: Final = 128 * MIB

_HEADER: Final = struct.Struct("<8s16sHHHHH6sIIIIIIIII")
_ROWS_IN_HEADER: Final = 109
_REGULAR_MAX: Final = 0xFFFFFFFA
_END: Final = 0xFFFFFFFE
_MINI_BYTES: Final = 64
_CUTOFF_BYTES: Final = 4096
"""Streams below this size lie in the mini stream (2.2)."""
_STEP: Final = re.compile(r"\d{1,6}", re.ASCII)


class NotCompound(NotDerivable):
    """It is no compound file, or its header makes no sense."""


class CompoundFile:
    """The directory is read at once, everything else when it is asked for."""

    def __init__(self, data: Data) -> None:
        """Read header and directory.

        Raises:
            NotCompound: there is no header of a compound file, or no root of a directory where it says.
        """
        head = bytes(data[: _HEADER.size + 4 * _ROWS_IN_HEADER])
        if len(head) < _HEADER.size + 4 * _ROWS_IN_HEADER or not head.startswith(MAGIC):
            raise NotCompound("there is no header of a compound file")
        row = _HEADER.unpack_from(head)
        if row[5] not in (9, 12):
            raise NotCompound(f"sectors of 2^{row[5]} bytes")
        self._data = data
        self._mini_fat_start = row[13]
        self.size = len(data)
        self.sector_bytes = 1 << row[5]
        """Of the header and of each sector."""
        self._sectors_max = -(-len(data) // self.sector_bytes)
        self._per_sector = self.sector_bytes // 4
        self._fat = self._read_fat_places(head[_HEADER.size :], row[15])
        self.entries = self._read_directory(row[10], wide=row[3] >= 4)
        """All of them, in the order of the directory, those that no storage leads to as well."""

    def read(self, entry: OleEntry, ceiling: int) -> Unpacked:
        """The bytes of a stream, as many as its chain has.

        Raises:
            NotUnpacked: ``too-large``: it claims more than ``ceiling`` bytes, or more than the file has.
        """
        if entry.size > min(ceiling, len(self._data)):
            most = min(ceiling, len(self._data))
            raise NotUnpacked("too-large", f"it claims {entry.size} bytes, at most {most} are read")
        unit = _MINI_BYTES if entry.size < _CUTOFF_BYTES else self.sector_bytes
        place_of, next_of = (
            (self._mini_place, self._next_mini) if unit == _MINI_BYTES else (self._place, self._next_sector)
        )
        count = -(-entry.size // unit)
        places = (place_of(sector) for sector in _chain(entry.start, count, next_of))
        content = b"".join(bytes(self._data[place : place + unit]) for place in places if place >= 0)[: entry.size]
        missing = entry.size - len(content)
        fault = Fault("truncated", f"{missing} of {entry.size} bytes are not there") if missing else None
        return Unpacked(content, fault)

    def children_of(self, storage: int) -> list[OleEntry]:
        """What lies in the storage with this number, in the order of the directory."""
        return self._children.get(storage, [])

    @cached_property
    def _children(self) -> dict[int, list[OleEntry]]:
        children: dict[int, list[OleEntry]] = {}
        for entry in self.entries:
            if entry.is_linked:
                children.setdefault(entry.parent, []).append(entry)
        return children

    @cached_property
    def end(self) -> int:
        """Behind the last sector that the table of sectors knows as used; 0 where it knows none."""
        for index in range(len(self._fat) - 1, -1, -1):
            place = self._place(self._fat[index])
            used = bytes(self._data[place : place + self.sector_bytes]).rstrip(b"\xff") if place >= 0 else b""
            if used:
                last = index * self._per_sector + (len(used) - 1) // 4
                end: int = min((last + 2) * self.sector_bytes, len(self._data))
                return end
        return 0

    def _place(self, sector: int) -> int:
        """Offset of a sector in the file, or -1 where it lies outside."""
        place = (sector + 1) * self.sector_bytes
        return place if place < len(self._data) else -1

    def _next_sector(self, sector: int) -> int:
        row, column = divmod(sector, self._per_sector)
        return self._number(self._place(self._fat[row]), column) if row < len(self._fat) else _END

    def _number(self, place: int, column: int) -> int:
        if place < 0:
            return _END
        raw = bytes(self._data[place + 4 * column : place + 4 * column + 4])
        return int.from_bytes(raw, "little") if len(raw) == 4 else _END

    def _sectors(self, start: int, most: int) -> array[int]:
        return array("I", _chain(start, min(most, self._sectors_max), self._next_sector))

    @cached_property
    def _mini_fat(self) -> array[int]:
        return self._sectors(self._mini_fat_start, MINI_STREAM_MAX_BYTES // _MINI_BYTES // self._per_sector)

    @cached_property
    def _mini_stream(self) -> array[int]:
        root = self.entries[0]
        claimed = -(-root.size // self.sector_bytes)
        return self._sectors(root.start, min(claimed, MINI_STREAM_MAX_BYTES // self.sector_bytes))

    def _mini_place(self, mini: int) -> int:
        row, inside = divmod(mini * _MINI_BYTES, self.sector_bytes)
        place = self._place(self._mini_stream[row]) if row < len(self._mini_stream) else -1
        return place + inside if place >= 0 else -1

    def _next_mini(self, mini: int) -> int:
        row, column = divmod(mini, self._per_sector)
        return self._number(self._place(self._mini_fat[row]), column) if row < len(self._mini_fat) else _END

    def _read_fat_places(self, rows: bytes, difat_start: int) -> array[int]:
        """The sectors that the FAT lies in: named in the header, then in a chain of sectors of their own (2.5)."""
        places = array("I", _regular(rows))
        sector, full = difat_start, len(places) == _ROWS_IN_HEADER
        for _ in range(self._sectors_max if full else 0):
            place = self._place(sector) if sector < _REGULAR_MAX else -1
            if place < 0 or len(places) >= min(FAT_SECTORS_MAX_COUNT, self._sectors_max):
                break
            places.extend(_regular(bytes(self._data[place : place + self.sector_bytes - 4])))
            sector = self._number(place, self._per_sector - 1)
        return places[: min(FAT_SECTORS_MAX_COUNT, self._sectors_max)]

    def _read_directory(self, start: int, *, wide: bool) -> tuple[OleEntry, ...]:
        most = ENTRIES_MAX_COUNT * ENTRY_BYTES // self.sector_bytes
        places = (self._place(sector) for sector in self._sectors(start, most))
        raw = b"".join(bytes(self._data[place : place + self.sector_bytes]) for place in places if place >= 0)
        entries = placed(read_entries(raw, wide=wide))
        if not entries:
            raise NotCompound("there is no directory where the header says")
        return entries


def read_stream(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``ole:SID``: the stream of this entry of the directory.

    Raises:
        NotDerivable: it is no compound file, there is no such stream, or it is too large.
    """
    file, entry = stream_named(data, argument)
    return file.read(entry, ceiling).content


def stream_named(data: Data, sid: str) -> tuple[CompoundFile, OleEntry]:
    """The stream whose number a step names, and the file that it lies in.

    Raises:
        NotDerivable: it is no compound file, or there is no such stream.
    """
    file = CompoundFile(data)
    if not _STEP.fullmatch(sid) or int(sid) >= len(file.entries) or not file.entries[int(sid)].is_stream:
        raise NotDerivable(f"no stream {sid!r}")
    return file, file.entries[int(sid)]


def _chain(start: int, most: int, next_of: Callable[[int], int]) -> Iterator[int]:
    """At most so many sectors of a chain, as far as their numbers are those of sectors."""
    sector = start
    for _ in range(most):
        if sector > _REGULAR_MAX:
            return
        yield sector
        sector = next_of(sector)


def _regular(raw: bytes) -> Iterator[int]:
    """The numbers up to the first one that names no sector."""
    for (number,) in struct.iter_unpack("<I", raw):
        if number > _REGULAR_MAX:
            return
        yield number
