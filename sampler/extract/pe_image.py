"""Where a PE's addresses lie in its file (PE Format, "Section Table"). Pure lookups over what pefile read."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from sampler.extract.bounded import BoundedView
from sampler.extract.naming import printable
from sampler.extract.pe_door import MachineFile


@dataclass(frozen=True, slots=True)
class Section:
    """One row of the section table: addresses relative to the image base, offsets in the file, all in bytes."""

    name: str
    address: int
    offset: int
    length: int
    """Raw bytes in the file; 0 for one that has none."""


@dataclass(frozen=True, slots=True)
class Image:
    """The mapping of addresses to offsets."""

    view: BoundedView
    sections: tuple[Section, ...]
    """In the order of their addresses."""
    header_length: int

    def offset_of(self, address: int) -> int | None:
        """Offset of a relative virtual address in the file, or ``None`` where no byte of the file is behind it."""
        index = bisect.bisect_right(self.sections, address, key=lambda section: section.address)
        if index == 0:
            return address if address < self.header_length else None
        section = self.sections[index - 1]
        inside = address - section.address
        if inside >= section.length or section.offset + inside >= len(self.view):
            return None
        return section.offset + inside

    def read(self, address: int, length: int) -> bytes:
        """At most ``length`` bytes from a relative virtual address on; fewer, or none, where the file ends."""
        offset = self.offset_of(address)
        return b"" if offset is None else self.view[offset : offset + length]


def read_image(pe: MachineFile, view: BoundedView) -> Image:
    """The image that pefile's section table describes; offsets are rounded as the Windows loader rounds them."""
    sections = [
        Section(
            printable(bytes(row.Name)),
            row.get_VirtualAddress_adj(),
            row.get_PointerToRawData_adj(),
            row.SizeOfRawData if row.PointerToRawData else 0,
        )
        for row in pe.sections
    ]
    return Image(view, tuple(sorted(sections, key=lambda section: section.address)), len(pe.header))
