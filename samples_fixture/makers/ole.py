"""A writer of small compound files ([MS-CFB], version 3: sectors of 512 bytes)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_SECTOR_BYTES = 512
_MINI_BYTES = 64
_STREAM_MIN_BYTES = 4096
_FREE, _END, _FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NO_ENTRY = 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: a small one lies in the mini stream, a large one in sectors of its own (2.2)."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage: a folder of storages and streams."""

    name: str
    storages: tuple[Storage, ...] = ()
    streams: tuple[Stream, ...] = ()


@dataclass(slots=True)
class _Entry:
    name: str
    kind: int
    sibling: int = _NO_ENTRY
    child: int = _NO_ENTRY
    data: bytes = b""

    @property
    def is_mini(self) -> bool:
        """Whether its bytes lie in the mini stream."""
        return self.kind == _STREAM and len(self.data) < _STREAM_MIN_BYTES


def compound_file(storages: Sequence[Storage], streams: Sequence[Stream] = ()) -> bytes:
    """A compound file with these storages and streams under its root; at most 126 sectors, one of them the FAT."""
    entries = [_Entry("Root Entry", _ROOT)]
    entries[0].child = _add(entries, storages, streams)
    starts, mini_fat = _place_mini(entries)
    directory_sectors, mini_sectors = _sectors(128 * len(entries)), _sectors(4 * len(mini_fat))
    fat = [_FAT_SECTOR, *_chain(1, directory_sectors)]
    fat += _chain(len(fat), mini_sectors)
    contents = _table(mini_fat, mini_sectors)
    for index, entry in enumerate(entries):
        if entry.data and not entry.is_mini:
            starts[index] = len(fat)
            fat += _chain(len(fat), _sectors(len(entry.data)))
            contents += entry.data.ljust(_sectors(len(entry.data)) * _SECTOR_BYTES, b"\0")
    directory = b"".join(_directory_entry(entry, starts.get(index)) for index, entry in enumerate(entries))
    directory += _empty_entry() * (directory_sectors * 4 - len(entries))
    mini_start = 1 + directory_sectors if mini_sectors else _END
    return _header(mini_start, mini_sectors) + _table(fat, 1) + directory + contents


def _place_mini(entries: Sequence[_Entry]) -> tuple[dict[int, int], list[int]]:
    """Put small streams into the root's; return the first mini sector of each entry, and the mini FAT (2.4)."""
    starts: dict[int, int] = {}
    mini_fat: list[int] = []
    for index, entry in enumerate(entries):
        if entry.data and entry.is_mini:
            count = -(-len(entry.data) // _MINI_BYTES)
            starts[index] = len(mini_fat)
            mini_fat += _chain(len(mini_fat), count)
            entries[0].data += entry.data.ljust(count * _MINI_BYTES, b"\0")
    return starts, mini_fat


def _table(numbers: Sequence[int], sectors: int) -> bytes:
    count = sectors * _SECTOR_BYTES // 4
    return struct.pack(f"<{count}I", *numbers, *[_FREE] * (count - len(numbers)))


def _add(entries: list[_Entry], storages: Sequence[Storage], streams: Sequence[Stream]) -> int:
    """Append a storage's children, a chain of right siblings in the order of their names (2.6.4); return the first."""
    children: list[Storage | Stream] = sorted([*storages, *streams], key=lambda child: (len(child.name), child.name))
    first = previous = _NO_ENTRY
    for child in children:
        index = len(entries)
        if isinstance(child, Stream):
            entries.append(_Entry(child.name, _STREAM, data=child.data))
        else:
            entries.append(_Entry(child.name, _STORAGE))
            entries[index].child = _add(entries, child.storages, child.streams)
        if previous == _NO_ENTRY:
            first = index
        else:
            entries[previous].sibling = index
        previous = index
    return first


def _chain(start: int, count: int) -> list[int]:
    return [*range(start + 1, start + count), _END] if count else []


def _sectors(size: int) -> int:
    return -(-size // _SECTOR_BYTES)


def _directory_entry(entry: _Entry, start: int | None) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(name), entry.kind, 1, _NO_ENTRY, entry.sibling, entry.child)
    first = start if start is not None else (0 if entry.kind == _STORAGE else _END)
    return name.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", first, len(entry.data))


def _empty_entry() -> bytes:
    return bytes(64) + struct.pack("<HBBIII", 0, 0, 0, _NO_ENTRY, _NO_ENTRY, _NO_ENTRY) + bytes(48)


def _header(mini_start: int, mini_sectors: int) -> bytes:
    """The header (2.2): one FAT sector, sector 0, and the directory from sector 1 on."""
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, _STREAM_MIN_BYTES, mini_start, mini_sectors, _END, 0)
    return header + struct.pack("<109I", 0, *[_FREE] * 108)
