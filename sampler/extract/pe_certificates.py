"""The attribute certificate table of a PE (PE Format, "The Attribute Certificate Table"): its entries, as they lie."""

from __future__ import annotations

import struct
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Survey
from sampler.model import PartKind

ENTRIES_MAX_COUNT: Final = 64
_HEAD: Final = struct.Struct("<IHH")
_ALIGNMENT: Final = 8
_TYPES: Final = {1: "x509", 2: "pkcs-signed-data", 3: "reserved", 4: "terminal-server"}


def add_certificates(view: BoundedView, table: int, length: int, survey: Survey) -> None:
    """The table as one region, a region for each entry where there are several, and a line for each of them."""
    survey.add_region(PartKind.CERTIFICATE, "", table, length)
    end = min(table + length, len(view))
    entries = _entries(view, table, end)
    if length and table < end and not entries:
        survey.add_problem("certificate", "the table has no entry of at least eight bytes")
    for index, (offset, size, _) in enumerate(entries if len(entries) > 1 else ()):
        survey.add_region(PartKind.CERTIFICATE, str(index), offset, min(size, end - offset))
    survey.add_field("sampler.file.pe.certificates", tuple(line for _, _, line in entries))


def _entries(view: BoundedView, offset: int, end: int) -> list[tuple[int, int, str]]:
    """Offset, bytes and description of each."""
    entries: list[tuple[int, int, str]] = []
    while offset + _HEAD.size <= end and len(entries) < ENTRIES_MAX_COUNT:
        size, revision, kind = _HEAD.unpack(view[offset : offset + _HEAD.size])
        if size < _HEAD.size:
            break
        name = _TYPES.get(kind, str(kind))
        entries.append((offset, size, f"{name} {revision >> 8}.{revision & 0xFF} {size} bytes"))
        offset += size + -size % _ALIGNMENT
    return entries
