"""Regions and facts of an ELF file (System V ABI, gABI chapter 4 "Object Files" and 5 "Program Loading").

A small reader of our own: header, section table and segment table, notes, dynamic table and symbols, both classes,
both byte orders. Every range that the file claims is checked against its size before a byte is read.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.elf_fields import add_elf_fields
from sampler.extract.elf_image import ElfImage
from sampler.extract.elf_notes import read_notes
from sampler.extract.elf_signature import read_module_signature
from sampler.extract.elf_tables import ElfHeader, read_header, read_sections, read_segments
from sampler.extract.extraction import Data, Survey
from sampler.extract.stretches import open_stretch
from sampler.extract.telfhash import load_tlsh
from sampler.limits import KIB
from sampler.model import PartKind

ENTRY_BEFORE_BYTES: Final = 512
ENTRY_AFTER_BYTES: Final = 1536
"""The window around the entry point."""
HEADER_MAX_BYTES: Final = 64 * KIB


def survey_elf(data: Data, survey: Survey) -> bool:
    """Add everything an ELF file has to the survey; ``False`` when its header is damaged and nothing was added."""
    load_tlsh()
    view = BoundedView(data)
    header = read_header(view)
    if header is None:
        survey.add_problem("not-an-elf", "the ELF header is cut off or names no class or byte order")
        return False
    image = _read_image(view, header, survey)
    _add_regions(image, survey)
    signature = read_module_signature(view)
    end = signature.offset if signature is not None else survey.size
    if signature is not None:
        survey.add_region(PartKind.CERTIFICATE, "", signature.offset, signature.length)
    overlay = min(_described_end(image, survey.size), end)
    survey.add_region(PartKind.OVERLAY, "", overlay, end - overlay)
    notes, problem = read_notes(image)
    if problem:
        survey.add_problem("elf-notes", problem)
    for note in notes:
        survey.add_region(PartKind.NOTE, note.name, note.offset, note.length)
    add_elf_fields(image, notes, signature, survey)
    open_stretch(data, survey, "", overlay, end - overlay)
    return True


def _read_image(view: BoundedView, header: ElfHeader, survey: Survey) -> ElfImage:
    sections, section_problem = read_sections(view, header)
    segments, segment_problem = read_segments(view, header)
    for problem in filter(None, (section_problem, segment_problem)):
        survey.add_problem("elf-table", problem)
    return ElfImage(view, header, sections, segments)


def _add_regions(image: ElfImage, survey: Survey) -> None:
    survey.add_region(PartKind.HEADER, "", 0, _header_end(image.header, len(image.segments), survey.size))
    for section in image.sections:
        survey.add_region(PartKind.SECTION, section.name, section.offset, section.length)
    for segment in image.segments:
        survey.add_region(PartKind.SEGMENT, segment.name, segment.offset, segment.length)
    _add_entry_point(image, survey)


def _header_end(header: ElfHeader, segments: int, size: int) -> int:
    """The header, and the segment table where it follows closely, as linkers write it."""
    table_end = header.segments_offset + segments * header.segment_entry_size
    end = table_end if segments and table_end <= HEADER_MAX_BYTES else header.size
    return min(max(end, header.size), size)


def _add_entry_point(image: ElfImage, survey: Survey) -> None:
    entry = image.header.entry
    if entry == 0:
        return
    offset = image.offset_of(entry)
    if offset is None:
        survey.add_problem("entry-point-outside", f"address {entry:#x} has no byte in the file")
        return
    start = max(0, offset - ENTRY_BEFORE_BYTES)
    survey.add_region(PartKind.ENTRY_POINT, "", start, min(offset + ENTRY_AFTER_BYTES, survey.size) - start)


def _described_end(image: ElfImage, size: int) -> int:
    """Where everything that the headers describe has ended. A range that lies does not hide what is behind it."""
    header = image.header
    ends = (
        header.size,
        header.segments_offset + len(image.segments) * header.segment_entry_size,
        header.sections_offset + header.sections_count * header.section_entry_size,
        *(section.offset + section.length for section in image.sections),
        *(segment.offset + segment.length for segment in image.segments),
    )
    return max((end for end in ends if end <= size), default=0)
