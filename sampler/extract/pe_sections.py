"""A line for each section of a PE: name, rights, place, sizes, MD5. Time is bounded by bytes, not by claims."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from sampler.extract.bounded import SLICE_MAX_BYTES
from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.pe_image import Image, Section
from sampler.extract.section_entropy import section_entropies
from sampler.limits import MIB

LINES_MAX_COUNT: Final = 96
HASHED_MAX_BYTES: Final = 64 * MIB
"""Of all sections together; what lies beyond has no hash."""
_RIGHTS: Final = ((0x4000_0000, "r"), (0x8000_0000, "w"), (0x2000_0000, "x"))


def add_section_fields(image: Image, survey: Survey) -> None:
    """Names, and the lines as ``sampler.file.pe.sections``: ``.text r-x 0x1000 5120 4943 MD5``."""
    by_offset = sorted(image.sections, key=lambda section: section.offset)
    survey.add_field("file.pe.sections", listed(section.name for section in image.sections))
    survey.add_field("sampler.file.pe.sections", listed(_lines(image)))
    survey.add_field("sampler.file.pe.section_entropy", section_entropies(image.view, by_offset))


def _lines(image: Image) -> Iterator[str]:
    left = HASHED_MAX_BYTES
    for section in image.sections[:LINES_MAX_COUNT]:
        length = max(0, min(section.length, len(image.view) - section.offset))
        left -= length
        md5 = _md5(image, section.offset, length) if length and left >= 0 else "-"
        yield f"{section.name} {_rights(section)} {section.address:#x} {length} {section.virtual_length} {md5}"


def _rights(section: Section) -> str:
    return "".join(letter if section.flags & flag else "-" for flag, letter in _RIGHTS)


def _md5(image: Image, offset: int, length: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(offset, offset + length, SLICE_MAX_BYTES):
        digest.update(image.view[start : min(start + SLICE_MAX_BYTES, offset + length)])
    return digest.hexdigest()
