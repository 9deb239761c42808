"""The exports of a PE (PE Format, "The .edata Section"): what it calls itself, its names, what it passes on."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.naming import printable
from sampler.extract.pe_directories import EXPORT
from sampler.extract.pe_image import Image

EXPORTS_MAX_COUNT: Final = 65_536
"""Ordinals have sixteen bits."""
_NAME_MAX_BYTES: Final = 512
_TABLE: Final = struct.Struct("<12xIIIIIII")
_ADDRESS_BYTES: Final = 4


def add_exports(image: Image, survey: Survey) -> None:
    """Fields of the export table; nothing where there is none."""
    start, length = image.directory(EXPORT)
    if start == 0:
        return
    head = image.read(start, _TABLE.size)
    if len(head) < _TABLE.size:
        survey.add_problem("exports", f"table at {start:#x} is outside the file")
        return
    name, _, functions_count, names_count, functions, names, _ = _TABLE.unpack(head)
    rows, named = _addresses(image, functions, functions_count), _addresses(image, names, names_count)
    if len(rows) < functions_count or len(named) < names_count:
        survey.add_problem("exports", f"{functions_count} functions and {names_count} names are not in the file")
    survey.add_field("sampler.file.pe.export_name", printable(image.text(name, _NAME_MAX_BYTES)))
    survey.add_field("sampler.file.pe.exports_count", sum(1 for row in rows if row))
    survey.add_field("file.pe.exports", listed(_texts(image, named)))
    forwards = (row for row in rows if start <= row < start + length)
    survey.add_field("sampler.file.pe.forwards", listed(_texts(image, forwards)))


def _addresses(image: Image, table: int, count: int) -> tuple[int, ...]:
    data = image.read(table, min(count, EXPORTS_MAX_COUNT) * _ADDRESS_BYTES)
    return struct.unpack(f"<{len(data) // _ADDRESS_BYTES}I", data[: len(data) // _ADDRESS_BYTES * _ADDRESS_BYTES])


def _texts(image: Image, addresses: tuple[int, ...] | Iterator[int]) -> Iterator[bytes]:
    return (image.text(address, _NAME_MAX_BYTES) for address in addresses)
