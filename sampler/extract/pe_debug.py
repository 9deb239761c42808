"""The debug directory of a PE (PE Format, "The .debug Section"): where its symbols were, how it was built."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sampler.extract.extraction import Survey
from sampler.extract.naming import printable
from sampler.extract.pe_directories import DEBUG
from sampler.extract.pe_image import Image
from sampler.limits import KIB, TEXT_MAX_CHARACTERS
from sampler.model import PartKind

ENTRIES_MAX_COUNT: Final = 64
_RECORD_MAX_BYTES: Final = 4 * KIB
"""What is read of a CodeView record."""
_ENTRY: Final = struct.Struct("<12xIIII")
_RSDS: Final = struct.Struct("<4s16sI")
_NB10: Final = struct.Struct("<4s4xII")
_CODEVIEW: Final = 2
_REPRODUCIBLE: Final = 16

_TYPES: Final = {
    1: "coff", _CODEVIEW: "codeview", 3: "fpo", 4: "misc", 5: "exception", 6: "fixup", 7: "omap-to-source",
    8: "omap-from-source", 9: "borland", 11: "clsid", 12: "vc-feature", 13: "pogo", 14: "iltcg", 15: "mpx",
    _REPRODUCIBLE: "repro", 17: "embedded-portable-pdb", 19: "pdb-checksum", 20: "ex-dll-characteristics",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DebugEntry:
    """One row: what kind of data, and where it lies in the file."""

    type: int
    length: int
    offset: int

    @property
    def name(self) -> str:
        """Of its type."""
        return _TYPES.get(self.type, str(self.type))


def read_debug(image: Image) -> tuple[DebugEntry, ...]:
    """The rows of the directory, as many as are in the file."""
    address, length = image.directory(DEBUG)
    if address == 0:
        return ()
    data = image.read(address, min(length, ENTRIES_MAX_COUNT * _ENTRY.size))
    return tuple(_entries(data[: len(data) // _ENTRY.size * _ENTRY.size]))


def add_debug(image: Image, entries: tuple[DebugEntry, ...], survey: Survey) -> None:
    """A region for the data of each row, and what the CodeView record says of the PDB file."""
    survey.add_field("sampler.file.pe.debug", tuple(entry.name for entry in entries))
    for entry in entries:
        survey.add_region(PartKind.DIRECTORY, f"debug:{entry.name}", entry.offset, entry.length)
    codeview = next((entry for entry in entries if entry.type == _CODEVIEW), None)
    if codeview is not None:
        _add_pdb(image.view[codeview.offset : codeview.offset + min(codeview.length, _RECORD_MAX_BYTES)], survey)


def is_reproducible(entries: tuple[DebugEntry, ...]) -> bool:
    """Whether the linker says that the time stamps of the headers are a hash of the file and no time."""
    return any(entry.type == _REPRODUCIBLE for entry in entries)


def _entries(data: bytes) -> Iterator[DebugEntry]:
    for kind, length, address, offset in _ENTRY.iter_unpack(data):
        # A row without an offset has its data in memory only; one without either is one of .NET's markers.
        yield DebugEntry(kind, length if offset else 0, offset if offset or address else 0)


def _add_pdb(record: bytes, survey: Survey) -> None:
    path, build = _pdb(record)
    survey.add_field("sampler.file.pe.pdb", printable(path.partition(b"\0")[0], TEXT_MAX_CHARACTERS))
    survey.add_field("sampler.file.pe.pdb_id", build)


def _pdb(record: bytes) -> tuple[bytes, str]:
    """Path, and what names the build: as symbol servers write it, GUID or time stamp and then the age."""
    if record[:4] == b"RSDS" and len(record) >= _RSDS.size:
        _, guid, age = _RSDS.unpack_from(record)
        return record[_RSDS.size :], f"{UUID(bytes_le=guid).hex.upper()}{age:X}"
    if record[:4] == b"NB10" and len(record) >= _NB10.size:
        _, stamp, age = _NB10.unpack_from(record)
        return record[_NB10.size :], f"{stamp:08X}{age:X}"
    return b"", ""
