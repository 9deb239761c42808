"""The ELF header, the section table and the segment table as frozen values (gABI chapters 4 and 5). Never raises."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.naming import printable

SECTIONS_MAX_COUNT: Final = 2048
SEGMENTS_MAX_COUNT: Final = 512

_HEADERS: Final = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
"""e_type to e_shstrndx, behind the 16 bytes of e_ident."""
_SECTIONS: Final = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}
_SEGMENTS: Final = {32: "IIIIIIII", 64: "IIQQQQQQ"}

_WITHOUT_BYTES: Final = (0, 8)
"""SHT_NULL and SHT_NOBITS."""
_LOAD: Final = 1
_EXTENDED: Final = 0xFFFF
"""PN_XNUM and SHN_XINDEX."""
_SEGMENT_NAMES: Final = {
    0: "PT_NULL", 1: "PT_LOAD", 2: "PT_DYNAMIC", 3: "PT_INTERP", 4: "PT_NOTE", 5: "PT_SHLIB", 6: "PT_PHDR",
    7: "PT_TLS", 0x6474E550: "PT_GNU_EH_FRAME", 0x6474E551: "PT_GNU_STACK", 0x6474E552: "PT_GNU_RELRO",
    0x6474E553: "PT_GNU_PROPERTY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ElfHeader:
    """What the rest of the file is read with; offsets and sizes in bytes."""

    bits: int
    byte_order: str
    """``<`` or ``>``, as ``struct`` writes it."""
    size: int
    type: int
    machine: int
    os_abi: int
    abi_version: int
    entry: int
    """Virtual address."""
    segments_offset: int
    segment_entry_size: int
    segments_count: int
    sections_offset: int
    section_entry_size: int
    sections_count: int
    names_index: int


@dataclass(frozen=True, slots=True)
class ElfSection:
    """One row of the section table."""

    name: str
    kind: int
    """``sh_type``."""
    offset: int
    length: int
    """Bytes in the file: 0 for a section that has none there."""
    link: int
    """``sh_link``: of a symbol table, the index of its string table."""


@dataclass(frozen=True, slots=True)
class ElfSegment:
    """One segment: ``PT_LOAD/2`` for the third row of the table."""

    name: str
    kind: int
    """``p_type``."""
    alignment: int
    """``p_align``."""
    address: int
    """Virtual address of its first byte."""
    offset: int
    length: int
    """Bytes in the file."""

    @property
    def loaded(self) -> bool:
        """Whether it is mapped into memory when the program starts."""
        return self.kind == _LOAD


def read_header(view: BoundedView) -> ElfHeader | None:
    """The ELF header with its extended counts resolved, or ``None`` when it is cut off or of an unknown class."""
    ident = view[0:16]
    if len(ident) < 16 or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    bits, order = 32 * ident[4], "<" if ident[5] == 1 else ">"
    fields = _unpack(view, 16, order + _HEADERS[bits])
    if fields is None:
        return None
    kind, machine, _, entry, phoff, shoff, _, ehsize, phentsize, phnum, shentsize, shnum, names = fields
    # gABI "Extended" counts: the first row of the section table holds what does not fit into the header.
    first = _unpack(view, shoff, order + _SECTIONS[bits]) if shoff else None
    if first is not None:
        shnum = shnum or first[5]
        names = first[6] if names == _EXTENDED else names
        phnum = first[7] if phnum == _EXTENDED else phnum
    size = min(max(ehsize, 16 + struct.calcsize(order + _HEADERS[bits])), 4096)
    return ElfHeader(
        bits, order, size, kind, machine, ident[7], ident[8], entry, phoff, phentsize, phnum if phoff else 0, shoff,
        shentsize, shnum if shoff else 0, names,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """One of the two tables as the header describes it."""

    what: str
    layout: str
    offset: int
    entry_size: int
    count: int
    most: int
    """Rows read at most."""


def read_sections(view: BoundedView, header: ElfHeader) -> tuple[tuple[ElfSection, ...], str]:
    """The sections, and why not all of them when some are missing."""
    layout = header.byte_order + _SECTIONS[header.bits]
    rows, problem = _read_rows(
        view,
        _Table(
            "sections", layout, header.sections_offset, header.section_entry_size, header.sections_count,
            SECTIONS_MAX_COUNT,
        ),
    )  # fmt: skip
    names_row = rows[header.names_index] if header.names_index < len(rows) else None
    names = view[names_row[4] : names_row[4] + names_row[5]] if names_row else b""
    sections = (
        ElfSection(_name_at(names, row[0]), row[1], row[4], 0 if row[1] in _WITHOUT_BYTES else row[5], row[6])
        for row in rows
    )
    return tuple(sections), problem


def read_segments(view: BoundedView, header: ElfHeader) -> tuple[tuple[ElfSegment, ...], str]:
    """The segments, and why not all of them when some are missing."""
    layout = header.byte_order + _SEGMENTS[header.bits]
    rows, problem = _read_rows(
        view,
        _Table(
            "segments", layout, header.segments_offset, header.segment_entry_size, header.segments_count,
            SEGMENTS_MAX_COUNT,
        ),
    )  # fmt: skip
    # p_flags stands second in 64-bit files and seventh in 32-bit ones, so everything between is one place off.
    offset, address, length = (2, 3, 5) if header.bits == 64 else (1, 2, 4)
    segments = (
        ElfSegment(f"{_segment_name(row[0])}/{index}", row[0], row[7], row[address], row[offset], row[length])
        for index, row in enumerate(rows)
    )
    return tuple(segments), problem


def _segment_name(kind: int) -> str:
    return _SEGMENT_NAMES.get(kind, f"{kind:#x}")


def _read_rows(view: BoundedView, table: _Table) -> tuple[list[tuple[int, ...]], str]:
    if table.count and table.entry_size < struct.calcsize(table.layout):
        return [], f"{table.what}: rows of {table.entry_size} bytes"
    rows: list[tuple[int, ...]] = []
    for index in range(min(table.count, table.most)):
        row = _unpack(view, table.offset + index * table.entry_size, table.layout)
        if row is None:
            return rows, f"{table.what}: only {len(rows)} of {table.count} are inside the file"
        rows.append(row)
    cut = table.count > table.most
    return rows, f"{table.what}: only the first {table.most} of {table.count} are read" if cut else ""


def _unpack(view: BoundedView, offset: int, layout: str) -> tuple[int, ...] | None:
    data = view[offset : offset + struct.calcsize(layout)]
    return struct.unpack(layout, data) if len(data) == struct.calcsize(layout) else None


def _name_at(names: bytes, offset: int) -> str:
    end = names.find(b"\0", offset, offset + 256)
    return printable(names[offset : end if end >= 0 else offset + 256])
