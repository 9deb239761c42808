"""Names of files in the header of an NSIS installer (fileform.h): its instructions, and the strings they refer to.

The header has eight tables, each with an offset and a count: pages, sections, instructions, strings, … An instruction
has seven numbers; the one that unpacks a file names a string and the offset of the file's block. Texts hold codes for
variables, which are shown as ``$…``.
"""

from __future__ import annotations

import struct
from typing import Final

from sampler.extract.naming import printable

_TABLES: Final = struct.Struct("<I16I")
_INSTRUCTION: Final = struct.Struct("<7I")
_ENTRIES, _STRINGS = 2, 3
_EXTRACT: Final = 20
"""EW_EXTRACTFILE, in the order that released versions have."""
_INSTRUCTIONS_MAX_COUNT: Final = 65_536
_NAME_MAX_CHARACTERS: Final = 260
_CODES_3: Final = frozenset({1, 2, 3, 4})
"""Language string, shell folder, variable, skip: each before a value (NSIS 3)."""
_CODES_2: Final = frozenset({252, 253, 254, 255})
_SKIP_3, _SKIP_2 = 4, 252


def file_names(header: bytes) -> dict[int, str]:
    """The name of each file by the offset of its block behind the header; of several the first one."""
    if len(header) < _TABLES.size:
        return {}
    tables = _TABLES.unpack_from(header)[1:]
    offset, count = tables[2 * _ENTRIES], tables[2 * _ENTRIES + 1]
    strings = tables[2 * _STRINGS]
    wide = header[strings : strings + 2] == b"\0\0"
    names: dict[int, str] = {}
    for index in range(min(count, _INSTRUCTIONS_MAX_COUNT)):
        start = offset + index * _INSTRUCTION.size
        if start + _INSTRUCTION.size > len(header):
            break
        which, _, name, block, *_ = _INSTRUCTION.unpack_from(header, start)
        if which == _EXTRACT and block not in names:
            names[block] = _text(header, strings, name, wide=wide)
    return names


def _text(header: bytes, strings: int, place: int, *, wide: bool) -> str:
    width = 2 if wide else 1
    start = strings + place * width
    raw = header[start : start + width * _NAME_MAX_CHARACTERS]
    if wide:
        units = [unit for (unit,) in struct.iter_unpack("<H", raw[: len(raw) // 2 * 2])]
        return printable(_shown(units, _CODES_3, _SKIP_3, value_units=1))
    codes, skip = (_CODES_3, _SKIP_3) if any(unit in _CODES_3 for unit in raw[:1]) else (_CODES_2, _SKIP_2)
    return printable(_shown(list(raw), codes, skip, value_units=2))


def _shown(units: list[int], codes: frozenset[int], skip: int, *, value_units: int) -> str:
    shown, at = "", 0
    while at < len(units) and units[at]:
        if units[at] not in codes:
            shown += chr(units[at])
            at += 1
            continue
        if units[at] == skip:
            shown += "".join(map(chr, units[at + 1 : at + 2]))
            at += 2
            continue
        shown += "$…"
        at += 1 + value_units
    return shown.replace("\\", "/")
