"""A writer of small compound files ([MS-CFB], version 3: sectors of 512 bytes)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_SECTOR_BYTES = 512
_STREAM_MIN_BYTES = 4096
_FREE, _END, _FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NO_ENTRY = 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream; it is padded with zeros to the size from which on streams have sectors of their own (2.2)."""

    name: str
    data: bytes

    @property
    def padded(self) -> bytes:
        """The bytes as they are stored, whole sectors."""
        return self.data.ljust(max(_STREAM_MIN_BYTES, _sectors(len(self.data)) * _SECTOR_BYTES), b"\0")


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


def compound_file(storages: Sequence[Storage], streams: Sequence[Stream] = ()) -> bytes:
    """A compound file with these storages and streams under its root; at most 126 sectors, one of them the FAT."""
    entries = [_Entry("Root Entry", _ROOT)]
    entries[0].child = _add(entries, storages, streams)
    directory_sectors = _sectors(128 * len(entries))
    fat = [_FAT_SECTOR, *_chain(1, directory_sectors)]
    directory, contents = b"", b""
    for entry in entries:
        start = len(fat) if entry.data else (0 if entry.kind == _STORAGE else _END)
        fat += _chain(start, _sectors(len(entry.data)))
        contents += entry.data
        directory += _directory_entry(entry, start)
    padding = _empty_entry() * (directory_sectors * 4 - len(entries))
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    return _header() + table + directory + padding + contents


def _add(entries: list[_Entry], storages: Sequence[Storage], streams: Sequence[Stream]) -> int:
    """Append a storage's children, a chain of right siblings in the order of their names (2.6.4); return the first."""
    children: list[Storage | Stream] = sorted([*storages, *streams], key=lambda child: (len(child.name), child.name))
    first = previous = _NO_ENTRY
    for child in children:
        index = len(entries)
        if isinstance(child, Stream):
            entries.append(_Entry(child.name, _STREAM, data=child.padded))
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


def _directory_entry(entry: _Entry, start: int) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(name), entry.kind, 1, _NO_ENTRY, entry.sibling, entry.child)
    return name.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, len(entry.data))


def _empty_entry() -> bytes:
    return bytes(64) + struct.pack("<HBBIII", 0, 0, 0, _NO_ENTRY, _NO_ENTRY, _NO_ENTRY) + bytes(48)


def _header() -> bytes:
    """The header (2.2): one FAT sector, sector 0, and the directory from sector 1 on."""
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, _STREAM_MIN_BYTES, _END, 0, _END, 0)
    return header + struct.pack("<109I", 0, *[_FREE] * 108)
