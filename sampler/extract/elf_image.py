"""What the readers of an ELF file's parts share: its tables, and the way from an address to an offset. Never raises."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import SLICE_MAX_BYTES, BoundedView
from sampler.extract.elf_tables import ElfHeader, ElfSection, ElfSegment

STRING_MAX_BYTES: Final = 1024
"""Of one name in a string table; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class ElfImage:
    """An ELF file whose header and tables have been read."""

    view: BoundedView
    header: ElfHeader
    sections: tuple[ElfSection, ...]
    segments: tuple[ElfSegment, ...]

    def offset_of(self, address: int) -> int | None:
        """Where the byte at a virtual address lies in the file; ``None`` when no loaded segment has it there."""
        for segment in self.segments:
            if segment.loaded and 0 <= address - segment.address < segment.length:
                offset = segment.offset + address - segment.address
                return offset if offset < len(self.view) else None
        return None

    def section_of_kind(self, *kinds: int) -> ElfSection | None:
        """The first section of one of these types that has bytes."""
        return next((section for section in self.sections if section.kind in kinds and section.length > 0), None)

    def section_named(self, name: str) -> ElfSection | None:
        """The first section of this name that has bytes."""
        return next((section for section in self.sections if section.name == name and section.length > 0), None)

    def strings_of(self, section: ElfSection) -> Strings:
        """The string table that a section is linked to; an empty one when there is none."""
        if section.link >= len(self.sections):
            return Strings(self.view, 0, 0)
        linked = self.sections[section.link]
        return Strings(self.view, linked.offset, linked.length)

    def rows(self, layout: str, offset: int, length: int) -> list[tuple[int, ...]]:
        """The whole rows of a table of at most ``SLICE_MAX_BYTES``, in the file's byte order."""
        form = struct.Struct(self.header.byte_order + layout)
        data = self.view[offset : offset + min(length, SLICE_MAX_BYTES)]
        return list(form.iter_unpack(data[: len(data) - len(data) % form.size]))


@dataclass(frozen=True, slots=True)
class Strings:
    """A string table (gABI chapter 4, "String Table"). Nothing of it is read before it is asked for."""

    view: BoundedView
    offset: int
    length: int

    def at(self, index: int) -> bytes:
        """The name that begins ``index`` bytes into the table, without its NUL; empty outside of it."""
        if not 0 <= index < self.length:
            return b""
        start = self.offset + index
        return self.view[start : start + min(STRING_MAX_BYTES, self.length - index)].partition(b"\0")[0]
