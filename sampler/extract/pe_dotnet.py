"""The .NET side of a PE (ECMA-335, II.25.3.3 "CLI header", II.24.2 "File headers"): runtime, streams, assembly."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sampler.extract.extraction import Survey
from sampler.extract.naming import printable
from sampler.extract.pe_clr_tables import ClrTables, Heaps
from sampler.extract.pe_directories import CLR, add_stretch
from sampler.extract.pe_image import Image
from sampler.model import PartKind

STREAMS_MAX_COUNT: Final = 32
_STREAM_NAME_MAX_BYTES: Final = 32
_RUNTIME_MAX_BYTES: Final = 256
_NAME_MAX_BYTES: Final = 1024

_HEADER: Final = struct.Struct("<IHHIIIIIIII16xII8x")
_ROOT: Final = struct.Struct("<4s8xI")
_COUNTS: Final = struct.Struct("<2xH")
_STREAM: Final = struct.Struct("<II")
_ILONLY: Final = 0x1
_GUID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class _Stream:
    name: str
    address: int
    length: int


def add_dotnet(image: Image, survey: Survey) -> None:
    """Regions of the metadata and its streams, and what assembly it is; nothing for a native program."""
    address, _ = image.directory(CLR)
    if address == 0:
        return
    head = image.read(address, _HEADER.size)
    if len(head) < _HEADER.size:
        survey.add_problem("dotnet", f"CLR header at {address:#x} is outside the file")
        return
    _, major, minor, metadata, length, flags, _, _, _, _, strong_name, *_ = _HEADER.unpack(head)
    survey.add_field("sampler.file.pe.dotnet.clr_header", f"{major}.{minor}")
    survey.add_field("sampler.file.pe.dotnet.is_mixed_mode", not flags & _ILONLY)
    survey.add_field("sampler.file.pe.dotnet.has_strong_name", bool(strong_name))
    add_stretch(image, survey, "clr-metadata", metadata, length)
    _add_metadata(image, metadata, survey)


def _add_metadata(image: Image, root: int, survey: Survey) -> None:
    head = image.read(root, _ROOT.size)
    if len(head) < _ROOT.size or head[:4] != b"BSJB":
        survey.add_problem("dotnet", f"no metadata root at {root:#x}")
        return
    _, version_length = _ROOT.unpack(head)
    runtime = image.text(root + _ROOT.size, min(version_length, _RUNTIME_MAX_BYTES))
    survey.add_field("sampler.file.pe.dotnet.runtime", printable(runtime))
    streams = tuple(_streams(image, root, root + _ROOT.size + version_length))
    survey.add_field("sampler.file.pe.dotnet.streams", tuple(stream.name for stream in streams))
    if not streams:
        survey.add_problem("dotnet", f"the metadata at {root:#x} has no stream")
    for stream in streams:
        offset = image.offset_of(stream.address)
        if offset is None:
            survey.add_problem("dotnet", f"stream {stream.name!r} is outside the file")
        else:
            survey.add_region(PartKind.STREAM, stream.name, offset, min(stream.length, image.extent(stream.address)))
    _add_assembly(image, {stream.name: stream for stream in streams}, survey)


def _streams(image: Image, root: int, address: int) -> Iterator[_Stream]:
    counts = image.read(address, _COUNTS.size)
    count = _COUNTS.unpack(counts)[0] if len(counts) == _COUNTS.size else 0
    address += _COUNTS.size
    for _ in range(min(count, STREAMS_MAX_COUNT)):
        head = image.read(address, _STREAM.size)
        if len(head) < _STREAM.size:
            return
        offset, length = _STREAM.unpack(head)
        name = image.text(address + _STREAM.size, _STREAM_NAME_MAX_BYTES)
        yield _Stream(printable(name), root + offset, length)
        address += _STREAM.size + (len(name) + 4 & ~3)


def _add_assembly(image: Image, streams: dict[str, _Stream], survey: Survey) -> None:
    """Names and identity, out of the first rows of two tables."""
    tables, texts, guids = streams.get("#~") or streams.get("#-"), streams.get("#Strings"), streams.get("#GUID")
    if tables is None or texts is None:
        return
    read = ClrTables.read(image, tables.address, tables.length)
    if read is None:
        survey.add_problem("dotnet", f"the tables of {tables.name!r} are outside the file")
        return
    _add_module(image, read.module, texts, guids, survey)
    if (row := read.assembly) is not None:
        survey.add_field("sampler.file.pe.dotnet.assembly", _text(image, texts, row.name))
        survey.add_field("sampler.file.pe.dotnet.assembly_version", ".".join(map(str, row.version)))


def _add_module(image: Image, row: Heaps | None, texts: _Stream, guids: _Stream | None, survey: Survey) -> None:
    if row is None:
        return
    survey.add_field("sampler.file.pe.dotnet.module", _text(image, texts, row.name))
    if guids is None or row.guid == 0:
        return
    raw = image.read(guids.address + (row.guid - 1) * _GUID_BYTES, _GUID_BYTES)
    if len(raw) == _GUID_BYTES:
        survey.add_field("sampler.file.pe.dotnet.mvid", str(UUID(bytes_le=raw)))


def _text(image: Image, texts: _Stream, index: int) -> str:
    return printable(image.text(texts.address + index, _NAME_MAX_BYTES)) if 0 < index < texts.length else ""
