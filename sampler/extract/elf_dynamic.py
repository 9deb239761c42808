"""What a program asks of the dynamic linker (gABI chapter 5, "Dynamic Section"; interpreter, libraries, where to look
for them). Never raises."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sampler.extract.elf_image import STRING_MAX_BYTES, ElfImage, Strings

ROWS_MAX_COUNT: Final = 4096
_PT_DYNAMIC: Final = 2
_PT_INTERP: Final = 3
_SHT_DYNAMIC: Final = 6

_NULL: Final = 0
_NEEDED: Final = 1
_HASH: Final = 4
_STRTAB: Final = 5
_SYMTAB: Final = 6
_STRSZ: Final = 10
_SONAME: Final = 14
_RPATH: Final = 15
_RUNPATH: Final = 29
_GNU_HASH: Final = 0x6FFFFEF5


@dataclass(frozen=True, slots=True)
class DynamicTable:
    """The rows that are of use here. Offsets are those of the file, and ``None`` where the address has no byte."""

    needed: tuple[bytes, ...] = ()
    soname: bytes = b""
    rpath: bytes = b""
    runpath: bytes = b""
    strings: Strings | None = None
    symbols_offset: int | None = None
    hash_offset: int | None = None
    gnu_hash_offset: int | None = None


def read_dynamic(image: ElfImage) -> DynamicTable:
    """The dynamic table that the loader would use, or the section of that type; an empty one where there is none."""
    rows = _rows(image)
    values: dict[int, list[int]] = defaultdict(list)
    for tag, value in rows:
        values[tag].append(value)
    strings = _strings(image, values)
    names = {
        tag: [strings.at(index) for index in values.get(tag, ())] if strings else []
        for tag in (_NEEDED, _SONAME, _RPATH, _RUNPATH)
    }
    return DynamicTable(
        needed=tuple(names[_NEEDED]),
        soname=next(iter(names[_SONAME]), b""),
        rpath=next(iter(names[_RPATH]), b""),
        runpath=next(iter(names[_RUNPATH]), b""),
        strings=strings,
        symbols_offset=_offset(image, values, _SYMTAB),
        hash_offset=_offset(image, values, _HASH),
        gnu_hash_offset=_offset(image, values, _GNU_HASH),
    )


def read_interpreter(image: ElfImage) -> bytes:
    """The path of the dynamic linker that the program names; empty where it names none."""
    segment = next((row for row in image.segments if row.kind == _PT_INTERP), None)
    if segment is None:
        return b""
    length = min(segment.length, STRING_MAX_BYTES)
    return image.view[segment.offset : segment.offset + length].partition(b"\0")[0]


def _rows(image: ElfImage) -> list[tuple[int, ...]]:
    home = next((row for row in image.segments if row.kind == _PT_DYNAMIC), None) or image.section_of_kind(_SHT_DYNAMIC)
    if home is None:
        return []
    layout, size = ("QQ", 16) if image.header.bits == 64 else ("II", 8)
    rows = image.rows(layout, home.offset, min(home.length, ROWS_MAX_COUNT * size))
    end = next((index for index, row in enumerate(rows) if row[0] == _NULL), len(rows))
    return rows[:end]


def _strings(image: ElfImage, values: dict[int, list[int]]) -> Strings | None:
    """By address, as the loader finds it; an object that is not loaded has a section that says where."""
    offset = _offset(image, values, _STRTAB)
    if offset is not None:
        return Strings(image.view, offset, next(iter(values.get(_STRSZ, ())), 0))
    section = image.section_of_kind(_SHT_DYNAMIC)
    return image.strings_of(section) if section else None


def _offset(image: ElfImage, values: dict[int, list[int]], tag: int) -> int | None:
    addresses = values.get(tag)
    return image.offset_of(addresses[0]) if addresses else None
