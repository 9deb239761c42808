"""Where a PE's addresses lie in its file (PE Format, "Section Table"). Pure lookups over what pefile read."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.naming import printable
from sampler.extract.pe_door import MachineFile
from sampler.limits import KIB

_DIRECTORIES_MAX_COUNT: Final = 16
_TEXT_MAX_BYTES: Final = 4 * KIB
_MAGIC_OF_64_BITS: Final = 0x20B


@dataclass(frozen=True, slots=True)
class Section:
    """One row of the section table: addresses relative to the image base, offsets in the file, all in bytes."""

    name: str
    address: int
    offset: int
    length: int
    """Raw bytes that the row claims to have in the file; 0 for one that has none."""
    virtual_length: int = 0
    flags: int = 0
    """``Characteristics``."""


@dataclass(frozen=True, slots=True)
class Image:
    """The mapping of addresses to offsets, and the data directories."""

    view: BoundedView
    sections: tuple[Section, ...]
    """In the order of their addresses."""
    addresses: tuple[int, ...]
    """Those of the sections."""
    header_length: int
    directories: tuple[tuple[int, int], ...] = ()
    """Address and size of each data directory; the certificate table's address is an offset."""
    base: int = 0
    """What absolute addresses count from."""
    is_wide: bool = False
    """PE32+, with absolute addresses of eight bytes."""

    def section_of(self, address: int) -> Section | None:
        """The section that begins last of those that do not begin behind a relative virtual address."""
        index = bisect.bisect_right(self.addresses, address)
        return self.sections[index - 1] if index else None

    def offset_of(self, address: int) -> int | None:
        """Offset of a relative virtual address in the file, or ``None`` where no byte of the file is behind it."""
        offset, end = self._place(address)
        return offset if offset < end else None

    def extent(self, address: int) -> int:
        """How many bytes of the file follow a relative virtual address in its section, or in the headers."""
        offset, end = self._place(address)
        return max(0, end - offset)

    def read(self, address: int, length: int) -> bytes:
        """At most ``length`` bytes from a relative virtual address on; fewer, or none, where its section ends."""
        offset, end = self._place(address)
        return self.view[offset : min(end, offset + length)] if offset < end else b""

    def _place(self, address: int) -> tuple[int, int]:
        """Offset of an address, and that of the end of what holds it; not before it where the file has no byte."""
        section = self.section_of(address)
        if section is None:
            return address, min(self.header_length, len(self.view)) if address >= 0 else address
        offset = section.offset + address - section.address
        return offset, min(section.offset + section.length, len(self.view))

    def text(self, address: int, ceiling: int = _TEXT_MAX_BYTES) -> bytes:
        """The bytes before the first NUL, of at most ``ceiling``."""
        return self.read(address, ceiling).partition(b"\0")[0]

    def directory(self, index: int) -> tuple[int, int]:
        """Address and size of a data directory; zeros where the file has no such row."""
        return self.directories[index] if index < len(self.directories) else (0, 0)


def read_image(pe: MachineFile, view: BoundedView) -> Image:
    """The image that pefile's section table describes; offsets are rounded as the Windows loader rounds them."""
    sections = sorted((_section(row) for row in pe.sections), key=lambda section: section.address)
    rows = pe.OPTIONAL_HEADER.DATA_DIRECTORY[:_DIRECTORIES_MAX_COUNT]
    return Image(
        view=view,
        sections=tuple(sections),
        addresses=tuple(section.address for section in sections),
        header_length=len(pe.header),
        directories=tuple((row.VirtualAddress, row.Size) for row in rows),
        base=pe.OPTIONAL_HEADER.ImageBase,
        is_wide=pe.OPTIONAL_HEADER.Magic == _MAGIC_OF_64_BITS,
    )


def _section(row: MachineFile) -> Section:
    return Section(
        name=printable(bytes(row.Name)),
        address=row.get_VirtualAddress_adj(),
        offset=row.get_PointerToRawData_adj(),
        length=row.SizeOfRawData if row.PointerToRawData else 0,
        virtual_length=row.Misc_VirtualSize,
        flags=row.Characteristics,
    )
