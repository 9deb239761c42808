"""PE files that lie, one lie each, and what three readers make of them: the source of docs/malformed-pe.md.

``python -m benchmarks.extract.pe_malformed`` prints the table's rows anew, with lief and pefile as they are installed.
The files are made from one that is well formed (``samples_fixture/pe/extension-amd64``), so that a lie is all that
tells them apart; nothing of them runs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import lief
import pefile

from sampler.extract import find_regions
from sampler.model import ContentKind, PartKind
from sampler.runtime.places import shipped

_SECTION_BYTES: Final = 40
_VIRTUAL_SIZE, _ADDRESS, _RAW_SIZE, _RAW_OFFSET = 8, 12, 16, 20
_EXPORT, _IMPORT, _RESOURCE, _CERTIFICATE, _RELOCATIONS, _DEBUG, _TLS = 0, 1, 2, 4, 5, 6, 9
_HUGE: Final = 0x7FFF_FFFF
_MAX: Final = 0xFFFF_FFFF


class Lie:
    """The well-formed file, to be changed in single fields."""

    def __init__(self) -> None:
        path = shipped("samples_fixture") / "pe" / "extension-amd64" / "_speedups.pyd"
        self.data = bytearray(path.read_bytes())
        (self.pe,) = struct.unpack_from("<I", self.data, 0x3C)
        self.optional = self.pe + 24
        (count, optional_bytes) = struct.unpack_from("<H12xH", self.data, self.pe + 6)
        self.table = self.optional + optional_bytes
        self.sections = count

    def put(self, offset: int, value: int, width: str = "I") -> Lie:
        """Overwrite one number."""
        struct.pack_into(f"<{width}", self.data, offset, value)
        return self

    def section(self, index: int, field: int, value: int) -> Lie:
        """Overwrite a field of a section's row; a negative index counts from the end."""
        return self.put(self.table + (index % self.sections) * _SECTION_BYTES + field, value)

    def directory(self, index: int, address: int, length: int) -> Lie:
        """Overwrite a data directory."""
        return self.put(self.optional + 112 + 8 * index, address).put(self.optional + 116 + 8 * index, length)

    def offset(self, index: int) -> int:
        """Where a data directory lies in the file."""
        (address,) = struct.unpack_from("<I", self.data, self.optional + 112 + 8 * index)
        for number in range(self.sections):
            row = self.table + number * _SECTION_BYTES
            start, size, raw = struct.unpack_from("<III", self.data, row + _ADDRESS)
            if start <= address < start + size:
                return int(address - start + raw)
        raise ValueError(f"directory {index} is in no section")

    def appended(self, data: bytes) -> Lie:
        """Put bytes behind the file."""
        self.data += data
        return self

    def cut(self, length: int) -> Lie:
        """Leave only the beginning."""
        del self.data[length:]
        return self


def _overlapping() -> Lie:
    return Lie().section(1, _RAW_OFFSET, 0x400)


def _header_in_header() -> Lie:
    """The PE header begins at 4; the offset to it is also its section alignment."""
    lie = Lie()
    headers = lie.data[lie.pe : lie.table + lie.sections * _SECTION_BYTES]
    lie.data[4 : 4 + len(headers)] = headers
    return lie.put(0x3C, 4).put(4 + 24 + 36, 4)


def _resource_loop() -> Lie:
    """The root's first entry is the root."""
    lie = Lie()
    return lie.put(lie.offset(_RESOURCE) + 16 + 4, 0x8000_0000)


def _resource_outside() -> Lie:
    """The only leaf's data is said to be where nothing is."""
    lie = Lie()
    root = lie.offset(_RESOURCE)
    below = 0
    for _ in range(3):
        (below,) = struct.unpack_from("<I", lie.data, root + (below & _HUGE) + 16 + 4)
    return lie.put(root + below, 0x0900_0000)


def _many_resources() -> Lie:
    lie = Lie()
    return lie.put(lie.offset(_RESOURCE) + 14, 0xFFFF, "H")


def _endless_imports() -> Lie:
    """Every row of the import table is the first one, up to the end of its section."""
    lie = Lie()
    start = lie.offset(_IMPORT)
    row = bytes(lie.data[start : start + 20])
    end = 0x1C00 + 0xE00  # of .rdata
    lie.data[start:end] = (row * ((end - start) // 20 + 1))[: end - start]
    return lie


def _exports_lie() -> Lie:
    lie = Lie()
    start = lie.offset(_EXPORT)
    return lie.put(start + 20, _MAX).put(start + 24, _MAX)


def _callbacks_without_end() -> Lie:
    """The TLS directory is in .data, its table of callbacks is .text."""
    lie = Lie()
    base, at = 0x1_8000_0000, 0x2A00
    lie.directory(_TLS, 0x4000, 40)
    lie.data[at : at + 32] = struct.pack("<QQQQ", 0, 0, 0, base + 0x1000)
    return lie


def _certificate_inside() -> Lie:
    return Lie().directory(_CERTIFICATE, 0x600, 0x200)


def _certificate_then_data() -> Lie:
    lie = Lie()
    end = len(lie.data)
    lie.directory(_CERTIFICATE, end, 64)
    return lie.appended(struct.pack("<IHH", 64, 0x200, 2) + bytes(56)).appended(b"behind" * 100)


def _certificate_too_long() -> Lie:
    lie = Lie()
    lie.directory(_CERTIFICATE, len(lie.data), _HUGE)
    return lie.appended(struct.pack("<IHH", 64, 0x200, 2) + bytes(56))


def _hidden_overlay() -> Lie:
    """The relocations claim to reach to the end of what was appended."""
    lie = Lie()
    offset, size = lie.offset(_RELOCATIONS), 0x1000
    (address,) = struct.unpack_from("<I", lie.data, lie.optional + 112 + 8 * _RELOCATIONS)
    lie.directory(_RELOCATIONS, address, len(lie.data) + size - offset)
    return lie.appended(b"hidden!!" * (size // 8))


def _directory_overflows() -> Lie:
    """Address and size add up to more than 32 bits, so that careless arithmetic makes them small again."""
    lie = Lie()
    return lie.directory(_IMPORT, 0x3974, 0xFFFF_FFF0).appended(b"overlay!" * 64)


def _all_virtual() -> Lie:
    lie = Lie()
    for index in range(lie.sections):
        lie.section(index, _RAW_OFFSET, 0)
    return lie


def _debug_outside() -> Lie:
    lie = Lie()
    return lie.put(lie.offset(_DEBUG) + 24, 0x7000_0000)


CASES: Final[dict[str, Callable[[], Lie]]] = {
    "overlapping-sections": _overlapping,
    "raw-pointer-unaligned": lambda: Lie().section(0, _RAW_OFFSET, 0x410),
    "raw-pointer-zero": lambda: Lie().section(-1, _RAW_OFFSET, 0),
    "raw-pointers-all-zero": _all_virtual,
    "raw-pointer-beyond-end": lambda: Lie().section(-1, _RAW_OFFSET, 0x7000_0000),
    "raw-size-beyond-end": lambda: Lie().section(-1, _RAW_SIZE, _HUGE),
    "raw-size-wraps": lambda: Lie().section(-1, _RAW_SIZE, 0xFFFF_FE00),
    "virtual-addresses-alike": lambda: Lie().section(1, _ADDRESS, 0x1000),
    "sections-none": lambda: (lie := Lie()).put(lie.pe + 6, 0, "H"),
    "sections-65535": lambda: (lie := Lie()).put(lie.pe + 6, 0xFFFF, "H"),
    "cut-in-section": lambda: Lie().cut(0x2000),
    "cut-in-section-table": lambda: (lie := Lie()).cut(lie.table + 50),
    "header-in-header": _header_in_header,
    "header-beyond-end": lambda: Lie().put(0x3C, 0x7FFF_FFF0),
    "headers-size-zero": lambda: (lie := Lie()).put(lie.optional + 60, 0),
    "headers-size-huge": lambda: (lie := Lie()).put(lie.optional + 60, _MAX),
    "optional-header-size-zero": lambda: (lie := Lie()).put(lie.pe + 20, 0, "H"),
    "optional-header-size-huge": lambda: (lie := Lie()).put(lie.pe + 20, 0xFFFF, "H"),
    "directories-none": lambda: (lie := Lie()).put(lie.optional + 108, 0),
    "directories-4-billion": lambda: (lie := Lie()).put(lie.optional + 108, _MAX),
    "magic-unknown": lambda: (lie := Lie()).put(lie.optional, 0x777, "H"),
    "directory-overflows": _directory_overflows,
    "directory-hides-overlay": _hidden_overlay,
    "certificate-inside": _certificate_inside,
    "certificate-then-data": _certificate_then_data,
    "certificate-too-long": _certificate_too_long,
    "resource-loop": _resource_loop,
    "resource-outside": _resource_outside,
    "resource-count-lies": _many_resources,
    "imports-endless": _endless_imports,
    "exports-4-billion": _exports_lie,
    "callbacks-endless": _callbacks_without_end,
    "debug-outside": _debug_outside,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader says of a file."""

    sections: int
    """With bytes in the file."""
    overlay: int
    """Bytes behind the image, those of certificates not counted."""
    resources: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f"{self.sections} / {self.overlay} / {self.resources}"
        return "; ".join((said, *(f"`{note}`" for note in self.notes)))


def by_sampler(data: bytes) -> Reading | str:
    """Ours, with the codes of its problems."""
    found = find_regions(data, ContentKind.LIBRARY, "application/x-dosexec")
    codes = tuple(dict.fromkeys(problem.code for problem in found.problems))
    whole = [row for row in found.regions if not row.recipe]
    if "not-a-pe" in codes:
        return "not a PE"
    return Reading(
        sections=sum(row.kind is PartKind.SECTION for row in whole),
        overlay=sum(row.length for row in whole if row.kind is PartKind.OVERLAY),
        resources=sum(row.kind is PartKind.RESOURCE for row in whole),
        notes=codes,
    )


def by_pefile(data: bytes) -> Reading | str:
    """pefile's, headers and resources only: a full reading of some of these takes minutes."""
    try:
        parsed = pefile.PE(data=data, fast_load=True)
        parsed.parse_data_directories([_RESOURCE])
        overlay = parsed.get_overlay_data_start_offset()
    except Exception as error:  # noqa: BLE001  # what it raises is what is shown
        return type(error).__name__
    resources = getattr(parsed, "DIRECTORY_ENTRY_RESOURCE", None)
    return Reading(
        sections=sum(bool(row.SizeOfRawData and row.PointerToRawData < len(data)) for row in parsed.sections),
        overlay=len(data) - overlay if overlay else 0,
        resources=_pefile_leaves(resources) if resources else 0,
    )


def _pefile_leaves(directory: Any) -> int:
    below = (_pefile_leaves(entry.directory) if hasattr(entry, "directory") else 1 for entry in directory.entries)
    return sum(below)


def by_lief(data: bytes) -> Reading | str:
    """lief's."""
    lief.logging.disable()
    parsed = lief.PE.parse(data)
    if not isinstance(parsed, lief.PE.Binary):
        return "not a PE"
    return Reading(
        sections=sum(bool(row.size and row.pointerto_raw_data < len(data)) for row in parsed.sections),
        overlay=len(parsed.overlay),
        resources=_lief_leaves(parsed.resources) if parsed.resources else 0,
    )


def _lief_leaves(node: Any) -> int:
    return 1 if node.is_data else sum(_lief_leaves(below) for below in node.childs)


def main() -> None:
    """Print the rows."""
    for name, make in CASES.items():
        data = bytes(make().data)
        print(f"| `{name}` | {by_pefile(data)} | {by_lief(data)} | {by_sampler(data)} |", flush=True)


if __name__ == "__main__":
    main()
