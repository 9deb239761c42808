"""Cross-reference tables and streams of PDF: which revisions a file has, and objects that only they lead to.

ISO 32000-1, 7.5.4 to 7.5.8. What they say is not relied on for anything else. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.extraction import Data
from sampler.extract.pdf_objects import object_at, stream_of
from sampler.extract.pdf_syntax import Value, read_value
from sampler.limits import MIB

SECTIONS_MAX_COUNT: Final = 64
ENTRIES_MAX_COUNT: Final = 100_000
STREAM_MAX_BYTES: Final = 4 * MIB
_START: Final = re.compile(rb"startxref[\0\t\n\f\r ]{1,16}([0-9]{1,15})")
_STARTS_MAX_COUNT: Final = 1024
_SUBSECTION: Final = re.compile(rb"[\0\t\n\f\r ]*+([0-9]{1,10})[\0\t\n\f\r ]++([0-9]{1,10})[\0\t\n\f\r ]*+")
_ROW: Final = re.compile(rb"([0-9]{10})[ ]([0-9]{5})[ ]([nf])[\0\t\n\f\r ]{0,3}")
_TABLE: Final = re.compile(rb"[\0\t\n\f\r ]{0,16}xref(?=[\0\t\n\f\r ])")


@dataclass(slots=True)
class Tables:
    """What the tables of a file say."""

    offsets: set[int] = field(default_factory=set)
    """Where objects should lie, counted from the header."""
    trailers: list[dict[str, Value]] = field(default_factory=list)
    """Newest first."""
    updates: int = 0
    """How often ``startxref`` names a place: once a file, and once more for each time that it was added to."""


def read_tables(data: Data, base: int) -> Tables:
    """Follow the tables from the last to the first.

    Args:
        data: the file.
        base: where its header stands, which offsets are counted from.
    """
    tables = Tables()
    starts = [int(found[1]) for found, _ in zip(_START.finditer(data), range(_STARTS_MAX_COUNT), strict=False)]
    tables.updates = sum(start > 0 for start in starts)
    waiting, seen = starts[-1:], set[int]()
    while waiting and len(seen) < SECTIONS_MAX_COUNT:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        trailer = _read_section(data, base + place, tables)
        if trailer:
            tables.trailers.append(trailer)
            waiting += [
                value for key in ("Prev", "XRefStm") if isinstance(value := trailer.get(key), int) and value > 0
            ]
    return tables


def _read_section(data: Data, offset: int, tables: Tables) -> dict[str, Value]:
    if offset >= len(data):
        return {}
    table = _TABLE.match(data, offset)
    return _read_table(data, table.end(), tables) if table else _read_stream(data, offset, tables)


def _read_table(data: Data, position: int, tables: Tables) -> dict[str, Value]:
    """7.5.4; its trailer."""
    while subsection := _SUBSECTION.match(data, position):
        position = subsection.end()
        for _ in range(min(int(subsection[2]), ENTRIES_MAX_COUNT)):
            row = _ROW.match(data, position)
            if row is None or len(tables.offsets) >= ENTRIES_MAX_COUNT:
                break
            position = row.end()
            if row[3] == b"n":
                tables.offsets.add(int(row[1]))
    reading = read_value(data, position + len(b"trailer"), single=True)
    is_trailer = data[position : position + len(b"trailer")] == b"trailer"
    return reading.value if is_trailer and isinstance(reading.value, dict) else {}


def _read_stream(data: Data, offset: int, tables: Tables) -> dict[str, Value]:
    """7.5.8; its dictionary is the trailer."""
    found = object_at(data, offset)
    if found is None or found.dictionary.get("Type") != "XRef":
        return {}
    try:
        content = stream_of(data, found, STREAM_MAX_BYTES).content
    except NotUnpacked:
        return found.dictionary
    for kind, place in _rows(content, found.dictionary.get("W")):
        if kind == 1 and len(tables.offsets) < ENTRIES_MAX_COUNT:
            tables.offsets.add(place)
    return found.dictionary


def _rows(content: bytes, widths: Value) -> Iterator[tuple[int, int]]:
    """Type and second field of each entry (7.5.8.3)."""
    if not isinstance(widths, list) or len(widths) < 3:
        return
    sizes = [width for width in widths[:3] if isinstance(width, int) and 0 <= width <= 8]
    total = sum(sizes)
    if len(sizes) < 3 or not total:
        return
    for start in range(0, min(len(content), ENTRIES_MAX_COUNT * total) - total + 1, total):
        middle = start + sizes[0]
        kind = int.from_bytes(content[start:middle], "big") if sizes[0] else 1
        yield kind, int.from_bytes(content[middle : middle + sizes[1]], "big")
