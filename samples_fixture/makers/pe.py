"""A builder of small Portable Executables (Microsoft PE Format specification), for x86-64.

What it builds is well formed as far as its arguments are; the code in it only returns.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FILE_ALIGNMENT = 0x200
SECTION_ALIGNMENT = 0x1000
HEADERS_BYTES = 0x400
CODE = 0x60000020
"""Section characteristics: code, execute, read."""
DATA = 0xC0000040
"""Initialized data, read, write."""
WRITE_EXECUTE = 0xE0000020
"""Code, execute, read, write."""
RETURN_ZERO = b"\x31\xc0\xc3"
"""xor eax, eax; ret."""

IMAGE_BASE = 0x140000000

_TIMESTAMP = 0x65920080
_DIRECTORIES_COUNT = 16
_IMPORT_DIRECTORY = 1
_SECURITY_DIRECTORY = 4


@dataclass(frozen=True, slots=True)
class Section:
    """One section: name of at most 8 bytes, contents, characteristics."""

    name: bytes
    data: bytes
    flags: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a section lies: in memory, in the file, and how many bytes it has there."""

    address: int
    offset: int
    size: int


def aligned(value: int, step: int) -> int:
    """The next multiple of ``step`` that is not below ``value``."""
    return -(-value // step) * step


def lay_out(sections: Sequence[Section]) -> list[Layout]:
    """Place sections one after another, in memory and in the file."""
    places: list[Layout] = []
    address, offset = SECTION_ALIGNMENT, HEADERS_BYTES
    for section in sections:
        size = aligned(len(section.data), FILE_ALIGNMENT)
        places.append(Layout(address, offset, size))
        address += aligned(max(len(section.data), 1), SECTION_ALIGNMENT)
        offset += size
    return places


def build(
    sections: Sequence[Section], *, entry_section: int = 0, directories: Mapping[int, tuple[int, int]] | None = None
) -> bytes:
    """The whole file. ``entry_section`` is the index of the section whose first byte is the entry point;
    ``directories`` maps a data directory's index to its address and size.
    """
    places = lay_out(sections)
    headers = dos_header(0x80) + b"PE\0\0" + coff_header(len(sections))
    headers += _optional_header(places, places[entry_section].address, directories or {})
    headers += b"".join(section_header(section, place) for section, place in zip(sections, places, strict=True))
    body = b"".join(section.data.ljust(place.size, b"\0") for section, place in zip(sections, places, strict=True))
    return headers.ljust(HEADERS_BYTES, b"\0") + body


def dos_header(new_header_offset: int) -> bytes:
    """The MS-DOS header up to the offset of the new one (e_lfanew at 0x3C)."""
    return (b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", new_header_offset)).ljust(0x80, b"\0")


def coff_header(sections_count: int) -> bytes:
    """The COFF file header: x86-64, an executable image that handles large addresses."""
    return struct.pack("<HHIIIHH", 0x8664, sections_count, _TIMESTAMP, 0, 0, 0xF0, 0x0022)


def section_header(section: Section, place: Layout) -> bytes:
    """One row of the section table."""
    sizes = (len(section.data), place.address, place.size, place.offset)
    return section.name.ljust(8, b"\0") + struct.pack("<IIIIIIHHI", *sizes, 0, 0, 0, 0, section.flags)


def _optional_header(places: Sequence[Layout], entry: int, directories: Mapping[int, tuple[int, int]]) -> bytes:
    image_bytes = aligned(places[-1].address + max(places[-1].size, 1), SECTION_ALIGNMENT)
    standard = struct.pack("<HBBIIIII", 0x20B, 14, 0, places[0].size, 0, 0, entry, places[0].address)
    windows = struct.pack("<QIIHHHHHHI", IMAGE_BASE, SECTION_ALIGNMENT, FILE_ALIGNMENT, 6, 0, 0, 0, 6, 0, 0)
    windows += struct.pack("<IIIHH", image_bytes, HEADERS_BYTES, 0, 3, 0x8160)
    windows += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, _DIRECTORIES_COUNT)
    table = b"".join(struct.pack("<II", *directories.get(index, (0, 0))) for index in range(_DIRECTORIES_COUNT))
    return standard + windows + table


def imports(address: int, library: bytes, functions: Sequence[bytes]) -> bytes:
    """An import section for one library, to be placed at ``address``: descriptors, lookup and address table, names."""
    table_bytes = 8 * (len(functions) + 1)
    lookup, bound = address + 40, address + 40 + table_bytes
    names_at = bound + table_bytes
    hints: list[int] = []
    names = b""
    for function in functions:
        hints.append(names_at + len(names))
        entry = b"\0\0" + function + b"\0"
        names += entry.ljust(aligned(len(entry), 2), b"\0")
    library_at = names_at + len(names)
    table = b"".join(struct.pack("<Q", hint) for hint in [*hints, 0])
    return struct.pack("<IIIII", lookup, 0, 0, library_at, bound).ljust(40, b"\0") + table * 2 + names + library + b"\0"


def with_certificate(image: bytes, certificate: bytes) -> bytes:
    """``image`` with an attribute certificate table at its end (WIN_CERTIFICATE, revision 2.0, PKCS SignedData)."""
    entry = struct.pack("<IHH", 8 + len(certificate), 0x0200, 0x0002) + certificate
    entry = entry.ljust(aligned(len(entry), 8), b"\0")
    offset = aligned(len(image), 8)
    directory_at = 0x80 + 4 + 20 + 112 + 8 * _SECURITY_DIRECTORY
    padded = bytearray(image.ljust(offset, b"\0"))
    struct.pack_into("<II", padded, directory_at, offset, len(entry))
    return bytes(padded) + entry


def import_directory(address: int, size: int) -> dict[int, tuple[int, int]]:
    """The data directory that points to an import section."""
    return {_IMPORT_DIRECTORY: (address, size)}


def debug_directory(address: int, offset: int, path: bytes) -> bytes:
    """A debug directory of one CodeView record that names a PDB file, to be placed at ``address`` and ``offset``.

    The GUID of the record is a counter, since nothing is built that it could name.
    """
    record = b"RSDS" + bytes(range(16)) + struct.pack("<I", 1) + path + b"\0"
    return struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(record), address + 28, offset + 28) + record


def tls_directory(address: int, callbacks: Sequence[int]) -> bytes:
    """A TLS directory to be placed at ``address``, with the table of its callbacks' addresses behind it."""
    table = IMAGE_BASE + address + 40
    pointers = [IMAGE_BASE + callback for callback in callbacks]
    return struct.pack("<QQQQII", 0, 0, 0, table, 0, 0) + b"".join(struct.pack("<Q", row) for row in [*pointers, 0])
