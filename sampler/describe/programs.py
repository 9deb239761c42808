"""Whether content is a program that its system would load: PE, ELF, Mach-O. Strict, on headers alone.

A file that only begins like a program is none: what cannot be loaded may be a person's document with a disguise on it,
and documents are not sent as freely as programs are.
"""

from __future__ import annotations

import struct
from typing import Final

from sampler.describe.content_data import Data, read
from sampler.limits import MIB
from sampler.model import ContentKind

_DLL: Final = 0x2000
_EXECUTABLE_IMAGE: Final = 0x0002
_NATIVE_SUBSYSTEMS: Final = (1, 8)
_OPTIONAL_HEADERS: Final = {0x10B: 96, 0x20B: 112}
"""Magic of the optional header, and its length up to the data directories."""

_PT_LOAD: Final = 1
_PT_INTERP: Final = 3
_ROWS_MAX_COUNT: Final = 2048
_NAMES_MAX_BYTES: Final = 1 * MIB

_MACH_HEADERS: Final = {
    b"\xfe\xed\xfa\xce": ">", b"\xce\xfa\xed\xfe": "<", b"\xfe\xed\xfa\xcf": ">", b"\xcf\xfa\xed\xfe": "<",
}  # fmt: skip
_MACH_KINDS: Final = {
    2: ContentKind.EXECUTABLE, 5: ContentKind.EXECUTABLE, 6: ContentKind.LIBRARY, 7: ContentKind.LIBRARY,
    8: ContentKind.LIBRARY, 11: ContentKind.DRIVER,
}  # fmt: skip
_FAT_MAGICS: Final = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_FAT_MAX_COUNT: Final = 32
"""Java classes share the magic; their version number, in the same place, is larger."""


def program_kind(data: Data) -> ContentKind | None:
    """What kind of program it is, or ``None`` when it is none."""
    magic = read(data, 0, 4)
    if magic[:2] == b"MZ":
        return _pe_kind(data)
    if magic == b"\x7fELF":
        return _elf_kind(data)
    if magic in _FAT_MAGICS:
        return _fat_kind(data, wide=magic == _FAT_MAGICS[1])
    return _mach_kind(data, 0) if magic in _MACH_HEADERS else None


def _pe_kind(data: Data) -> ContentKind | None:
    """PE Format, "Signature" to "Section Table"."""
    start = _number(data, 0x3C, "<I")
    if start is None or read(data, start, 4) != b"PE\0\0":
        return None
    header = _unpack(data, start + 4, "<2xH12xHH")
    magic = _number(data, start + 24, "<H")
    subsystem = _number(data, start + 24 + 68, "<H")
    if header is None or magic not in _OPTIONAL_HEADERS or subsystem is None:
        return None
    sections, optional_length, flags = header
    if not flags & _EXECUTABLE_IMAGE or optional_length < _OPTIONAL_HEADERS[magic]:
        return None
    if not _has_section_data(data, start + 24 + optional_length, sections):
        return None
    if subsystem in _NATIVE_SUBSYSTEMS:
        return ContentKind.DRIVER
    return ContentKind.LIBRARY if flags & _DLL else ContentKind.EXECUTABLE


def _has_section_data(data: Data, table: int, count: int) -> bool:
    """Whether the section table is inside the file and at least one section has all its bytes there."""
    if not 0 < count <= _ROWS_MAX_COUNT or len(read(data, table, 40 * count)) < 40 * count:
        return False
    rows = struct.iter_unpack("<16xII16x", read(data, table, 40 * count))
    return any(length and offset and offset + length <= len(data) for length, offset in rows)


def _elf_kind(data: Data) -> ContentKind | None:
    """GABI chapter 4 "ELF Header"; ``ET_EXEC`` 2, ``ET_DYN`` 3, ``ET_REL`` 1."""
    ident = read(data, 0, 16)
    if len(ident) < 16 or ident[4] not in (1, 2) or ident[5] not in (1, 2) or ident[6] != 1:
        return None
    order, wide = "<" if ident[5] == 1 else ">", ident[4] == 2
    kind = _number(data, 16, order + "H")
    if kind == 1:
        return ContentKind.DRIVER if _is_kernel_module(data, order, wide=wide) else None
    if kind not in (2, 3):
        return None
    segments = _segment_types(data, order, wide=wide)
    if _PT_LOAD not in segments:
        return None
    return ContentKind.EXECUTABLE if kind == 2 or _PT_INTERP in segments else ContentKind.LIBRARY


def _segment_types(data: Data, order: str, *, wide: bool) -> set[int]:
    """The types of all segments, or none of them when the table is not inside the file."""
    start = _number(data, 32 if wide else 28, order + ("Q" if wide else "I"))
    sizes = _unpack(data, 54 if wide else 42, order + "HH")
    if not start or sizes is None or sizes[0] < 32 or sizes[1] > _ROWS_MAX_COUNT:
        return set()
    table = read(data, start, sizes[0] * sizes[1])
    if len(table) < sizes[0] * sizes[1]:
        return set()
    return {row[0] for row in struct.iter_unpack(f"{order}I{sizes[0] - 4}x", table)}


def _is_kernel_module(data: Data, order: str, *, wide: bool) -> bool:
    """Whether a section is called ``.modinfo``, as in every Linux kernel module."""
    table = _number(data, 40 if wide else 32, order + ("Q" if wide else "I"))
    sizes = _unpack(data, 58 if wide else 46, order + "HHH")
    if not table or sizes is None:
        return False
    row = table + sizes[0] * sizes[2]
    place = _unpack(data, row + (24 if wide else 16), order + ("QQ" if wide else "II"))
    return place is not None and b"\0.modinfo\0" in read(data, place[0], min(place[1], _NAMES_MAX_BYTES))


def _mach_kind(data: Data, start: int) -> ContentKind | None:
    """Mach-O ``mach_header``: magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds (loader.h)."""
    order = _MACH_HEADERS.get(read(data, start, 4))
    header = None if order is None else _unpack(data, start + 12, order + "III")
    if header is None or header[1] == 0 or start + 28 + header[2] > len(data):
        return None
    return _MACH_KINDS.get(header[0])


def _fat_kind(data: Data, *, wide: bool) -> ContentKind | None:
    """Mach-O ``fat_header``: the first of the images in it decides (fat.h)."""
    count = _number(data, 4, ">I")
    if count is None or not 0 < count <= _FAT_MAX_COUNT:
        return None
    start = _number(data, 16, ">Q" if wide else ">I")
    return None if start is None else _mach_kind(data, start)


def _number(data: Data, offset: int, layout: str) -> int | None:
    values = _unpack(data, offset, layout)
    return None if values is None else values[0]


def _unpack(data: Data, offset: int, layout: str) -> tuple[int, ...] | None:
    raw = read(data, offset, struct.calcsize(layout))
    return struct.unpack(layout, raw) if len(raw) == struct.calcsize(layout) else None
