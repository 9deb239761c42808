"""Regions and facts of an ELF file (System V ABI, gABI chapter 4 "Object Files" and 5 "Program Loading").

A small reader of our own: header, section table and segment table, both classes, both byte orders. Every range that the
file claims is checked against its size before a byte is read.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.elf_tables import ElfHeader, ElfSection, ElfSegment, read_header, read_sections, read_segments
from sampler.extract.extraction import Data, Survey
from sampler.limits import KIB
from sampler.model import PartKind

ENTRY_BEFORE_BYTES: Final = 512
ENTRY_AFTER_BYTES: Final = 1536
"""The window around the entry point."""
HEADER_MAX_BYTES: Final = 64 * KIB

_SIGNED_64_MAX: Final = 2**63 - 1
"""The largest ``long`` of ECS."""

_TYPES: Final = {0: "NONE", 1: "REL", 2: "EXEC", 3: "DYN", 4: "CORE"}
_MACHINES: Final = {
    2: "sparc", 3: "x86", 8: "mips", 20: "powerpc", 21: "powerpc64", 22: "s390", 40: "arm", 42: "superh", 43: "sparcv9",
    50: "ia64", 62: "x86-64", 183: "aarch64", 243: "riscv", 247: "bpf", 258: "loongarch",
}  # fmt: skip


def survey_elf(data: Data, survey: Survey) -> bool:
    """Add everything an ELF file has to the survey; ``False`` when its header is damaged and nothing was added."""
    view = BoundedView(data)
    header = read_header(view)
    if header is None:
        survey.add_problem("not-an-elf", "the ELF header is cut off or names no class or byte order")
        return False
    sections, section_problem = read_sections(view, header)
    segments, segment_problem = read_segments(view, header)
    for problem in filter(None, (section_problem, segment_problem)):
        survey.add_problem("elf-table", problem)
    survey.add_region(PartKind.HEADER, "", 0, _header_end(header, len(segments), survey.size))
    for section in sections:
        survey.add_region(PartKind.SECTION, section.name, section.offset, section.length)
    for segment in segments:
        survey.add_region(PartKind.SEGMENT, segment.name, segment.offset, segment.length)
    _add_entry_point(header, segments, survey)
    _add_overlay(header, sections, segments, survey)
    _add_fields(header, survey)
    return True


def _header_end(header: ElfHeader, segments: int, size: int) -> int:
    """The header, and the segment table where it follows closely, as linkers write it."""
    table_end = header.segments_offset + segments * header.segment_entry_size
    end = table_end if segments and table_end <= HEADER_MAX_BYTES else header.size
    return min(max(end, header.size), size)


def _add_entry_point(header: ElfHeader, segments: tuple[ElfSegment, ...], survey: Survey) -> None:
    if header.entry == 0:
        return
    home = next((row for row in segments if row.loaded and 0 <= header.entry - row.address < row.length), None)
    if home is None or (offset := home.offset + header.entry - home.address) >= survey.size:
        survey.add_problem("entry-point-outside", f"address {header.entry:#x} has no byte in the file")
        return
    start = max(0, offset - ENTRY_BEFORE_BYTES)
    survey.add_region(PartKind.ENTRY_POINT, "", start, min(offset + ENTRY_AFTER_BYTES, survey.size) - start)


def _add_overlay(
    header: ElfHeader, sections: tuple[ElfSection, ...], segments: tuple[ElfSegment, ...], survey: Survey
) -> None:
    """What lies behind everything that the headers describe. A range that lies does not hide what is behind it."""
    ends = [
        header.size,
        header.segments_offset + len(segments) * header.segment_entry_size,
        header.sections_offset + header.sections_count * header.section_entry_size,
        *(section.offset + section.length for section in sections),
        *(segment.offset + segment.length for segment in segments),
    ]
    start = max(end for end in (0, *ends) if end <= survey.size)
    survey.add_region(PartKind.OVERLAY, "", start, survey.size - start)


def _add_fields(header: ElfHeader, survey: Survey) -> None:
    survey.add_field("file.elf.architecture", _MACHINES.get(header.machine, str(header.machine)))
    survey.add_field("file.elf.byte_order", "Little Endian" if header.byte_order == "<" else "Big Endian")
    survey.add_field("file.elf.header.class", f"ELF{header.bits}")
    survey.add_field("file.elf.header.type", _TYPES.get(header.type, str(header.type)))
    if header.entry <= _SIGNED_64_MAX:
        survey.add_field("file.elf.header.entrypoint", header.entry)
