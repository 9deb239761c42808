"""The records of a ZIP file as frozen values (APPNOTE.TXT 6.3.10, section 4.3). Never raises.

The central directory is believed first, because most readers do. Where there is none, or it leads nowhere, local
headers are looked for one after the other; local headers that the directory does not know are found as well.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import KIB, MIB

ENTRIES_MAX_COUNT: Final = 4096
"""Members that are read of one archive."""
LOCAL_SEARCH_MAX_BYTES: Final = 64 * MIB
"""How far local headers are looked for where no directory leads to them."""

CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_END: Final = struct.Struct("<4sHHHHIIH")
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64: Final = struct.Struct("<4sIQI")
_CENTRAL_MARK: Final = b"PK\x01\x02"
_LOCAL_MARK: Final = b"PK\x03\x04"
_END_MARK: Final = b"PK\x05\x06"
_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_NEXT_MARKS: Final = (_CENTRAL_MARK, _LOCAL_MARK, _DESCRIPTOR_MARK)
_COMMENT_MAX_BYTES: Final = 0xFFFF
_BLOCK_BYTES: Final = 256 * KIB

ENCRYPTED: Final = 0x1
DESCRIBED_BEHIND: Final = 0x8
"""Sizes and checksum stand behind the member, not before it."""
_UTF8: Final = 0x800
_CODE_PAGE_437: Final = codecs.lookup("cp437")
"""Loaded here, because a sandboxed child can load nothing any more."""
_FILLED_64: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Aes:
    """How a member is encrypted with AES (WinZip, "AES Encryption Information", AE-1 and AE-2)."""

    version: int
    strength: int
    """1, 2 or 3: keys of 128, 192 or 256 bits."""
    method: int
    """The method below the encryption."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One member as the archive describes it; sizes and offsets in bytes, none of them checked."""

    index: int
    """Its place among the entries; what the step ``zip:INDEX`` names."""
    name: str
    """Fit to be shown; never to be opened."""
    raw_name: bytes
    method: int
    flags: int
    packed_size: int
    size: int
    crc: int
    offset: int
    """Of its local header, in the object."""
    start: int = -1
    """Of its first packed byte; -1 where it has no local header."""
    aes: Aes | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def is_encrypted(self) -> bool:
        """Whether a password is needed."""
        return bool(self.flags & ENCRYPTED)

    @property
    def is_folder(self) -> bool:
        """Whether it only names a folder."""
        return self.raw_name.endswith(b"/") and self.size == 0


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies, and how far its offsets are off because something stands before the archive."""

    offset: int
    length: int
    count: int
    shift: int
    end: int
    """Of the whole archive, comment included."""


def find_directory(data: Data) -> Directory | None:
    """The last central directory that leads to entries, or to nothing because the archive is empty."""
    size = len(data)
    tail_start = max(0, size - _END.size - _COMMENT_MAX_BYTES)
    tail = bytes(data[tail_start:size])
    position = len(tail)
    for _ in range(64):
        position = tail.rfind(_END_MARK, 0, position + 3)
        if position < 0:
            return None
        found = _directory_at(data, tail_start + position)
        if found is not None:
            return found
    return None


def read_central(data: Data, directory: Directory) -> Iterator[ZipEntry]:
    """The entries of a central directory, as far as they hold together; as many as ``ENTRIES_MAX_COUNT``."""
    offset, end = directory.offset, min(directory.offset + directory.length, len(data))
    for index in range(ENTRIES_MAX_COUNT):
        head = bytes(data[offset : offset + CENTRAL.size])
        if offset >= end or len(head) < CENTRAL.size or not head.startswith(_CENTRAL_MARK):
            return
        row = CENTRAL.unpack(head)
        flags, method, crc, packed, size, name_bytes, extra_bytes, comment_bytes = row[3], row[4], *row[7:13]
        local = row[16]
        start = offset + CENTRAL.size
        name = bytes(data[start : start + name_bytes])
        extra = dict(_extras(bytes(data[start + name_bytes : start + name_bytes + extra_bytes])))
        size, packed, local = _widened(extra.get(1, b""), size, packed, local)
        yield ZipEntry(
            index, _name(name, flags), name, method, flags, packed, size, crc, local + directory.shift,
            aes=_aes(extra),
        )  # fmt: skip
        offset = start + name_bytes + extra_bytes + comment_bytes


def read_local(data: Data, offset: int, index: int) -> ZipEntry | None:
    """The entry that a local header describes, or ``None`` where none begins."""
    head = bytes(data[offset : offset + LOCAL.size]) if offset >= 0 else b""
    if len(head) < LOCAL.size or not head.startswith(_LOCAL_MARK):
        return None
    _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = LOCAL.unpack(head)
    start = offset + LOCAL.size
    name = bytes(data[start : start + name_bytes])
    extra = dict(_extras(bytes(data[start + name_bytes : start + name_bytes + extra_bytes])))
    size, packed, _ = _widened(extra.get(1, b""), size, packed, 0)
    return ZipEntry(
        index, _name(name, flags), name, method, flags, packed, size, crc, offset,
        start + name_bytes + extra_bytes, _aes(extra),
    )  # fmt: skip


def read_locals(data: Data, start: int, end: int, first_index: int) -> Iterator[ZipEntry]:
    """The entries of all local headers in a stretch, found by their mark; as many as ``ENTRIES_MAX_COUNT``."""
    offset, end = start, min(end, len(data), start + LOCAL_SEARCH_MAX_BYTES)
    for index in range(first_index, ENTRIES_MAX_COUNT):
        offset = find_mark(data, _LOCAL_MARK, offset, end)
        entry = read_local(data, offset, index)
        if entry is None:
            return
        if entry.packed_size == 0 and entry.flags & DESCRIBED_BEHIND:
            behind = _next_record(data, entry.start, end)
            entry = replace(entry, packed_size=behind - entry.start, size=-1)
        yield entry
        offset = entry.start + (entry.packed_size if entry.start + entry.packed_size <= end else 0)


def find_mark(data: Data, mark: bytes, start: int, end: int) -> int:
    """Offset of the first place of a mark that begins in ``[start, end)``, or -1; never the whole at once."""
    for offset in range(start, end, _BLOCK_BYTES):
        stop = min(offset + _BLOCK_BYTES, end)
        found = bytes(data[offset : stop + len(mark) - 1]).find(mark)
        if found >= 0:
            return offset + found
    return -1


def _next_record(data: Data, start: int, end: int) -> int:
    found = [find_mark(data, mark, start, end) for mark in _NEXT_MARKS]
    return min((offset for offset in found if offset >= 0), default=end)


def _directory_at(data: Data, position: int) -> Directory | None:
    head = bytes(data[position : position + _END.size])
    if len(head) < _END.size:
        return None
    _, _, _, _, count, length, offset, comment = _END.unpack(head)
    behind = position
    wide = _wide_end(data, position)
    if wide is not None:
        behind, count, length, offset = wide
    for start in (behind - length, offset):
        marked = start >= 0 and bytes(data[start : start + 4]) == _CENTRAL_MARK
        if marked or (count == 0 and length == 0 and start == behind):
            return Directory(start, length, count, start - offset, position + _END.size + comment)
    return None


def _wide_end(data: Data, position: int) -> tuple[int, int, int, int] | None:
    """Position, count, length and offset of the ZIP64 end record whose locator stands before ``position``."""
    locator = bytes(data[max(0, position - _LOCATOR64.size) : position])
    if len(locator) < _LOCATOR64.size or not locator.startswith(b"PK\x06\x07"):
        return None
    for start in (_LOCATOR64.unpack(locator)[2], position - _LOCATOR64.size - _END64.size):
        head = bytes(data[start : start + _END64.size]) if 0 <= start < len(data) else b""
        if len(head) == _END64.size and head.startswith(b"PK\x06\x06"):
            row = _END64.unpack(head)
            return start, row[7], row[8], row[9]
    return None


def _extras(raw: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(raw):
        kind, length = struct.unpack_from("<HH", raw, offset)
        yield kind, raw[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _widened(extra: bytes, size: int, packed: int, local: int) -> tuple[int, int, int]:
    """Sizes and offset, those that are all ones taken from the ZIP64 field (4.5.3), in its order."""
    values = [size, packed, local]
    for place, value in enumerate(values):
        if value == _FILLED_64 and len(extra) >= 8:
            values[place] = int.from_bytes(extra[:8], "little")
            extra = extra[8:]
    return values[0], values[1], values[2]


def _aes(extra: dict[int, bytes]) -> Aes | None:
    raw = extra.get(0x9901, b"")
    if len(raw) < 7:
        return None
    version, _, strength, method = struct.unpack_from("<HHBH", raw)
    return Aes(version, strength, method)


def _name(raw: bytes, flags: int) -> str:
    """UTF-8 where the flag says so or it happens to be; else code page 437, as APPNOTE D.1 has it."""
    if flags & _UTF8:
        return printable(raw)
    try:
        return printable(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return printable(raw.decode("cp437"))
