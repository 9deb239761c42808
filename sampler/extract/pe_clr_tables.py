"""The first rows of two metadata tables of .NET: Module and Assembly (ECMA-335, II.22 and II.24.2.6).

Tables lie one behind the other without an index, so what comes before the Assembly table has to be measured: the width
of a row depends on the sizes of the heaps and on how many rows other tables have.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

from sampler.extract.pe_image import Image

_HEAD: Final = struct.Struct("<6xBxQ8x")
_ROWS_MAX_COUNT: Final = 0x00FF_FFFF
"""A token has 24 bits for the row."""
_MODULE, _ASSEMBLY = 0x00, 0x20
_TABLES_COUNT: Final = 64

_CODED: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "TypeDefOrRef": (2, (0x02, 0x01, 0x1B)),
    "HasConstant": (2, (0x04, 0x08, 0x17)),
    "HasCustomAttribute": (
        5,
        (0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0A, 0x00, 0x0E, 0x17, 0x14, 0x11, 0x1A, 0x1B, 0x20, 0x23, 0x26, 0x27,
         0x28, 0x2A, 0x2C, 0x2B),
    ),
    "HasFieldMarshal": (1, (0x04, 0x08)),
    "HasDeclSecurity": (2, (0x02, 0x06, 0x20)),
    "MemberRefParent": (3, (0x02, 0x01, 0x1A, 0x06, 0x1B)),
    "HasSemantics": (1, (0x14, 0x17)),
    "MethodDefOrRef": (1, (0x06, 0x0A)),
    "MemberForwarded": (1, (0x04, 0x06)),
    "CustomAttributeType": (3, (0x06, 0x0A)),
    "ResolutionScope": (2, (0x00, 0x1A, 0x23, 0x01)),
}  # fmt: skip
"""Indexes into one of several tables: how many bits say which, and the tables (II.24.2.6)."""

_COLUMNS: Final[dict[int, tuple[int | str, ...]]] = {
    0x00: (2, "string", "guid", "guid", "guid"),  # Module
    0x01: ("ResolutionScope", "string", "string"),  # TypeRef
    0x02: (4, "string", "string", "TypeDefOrRef", "04", "06"),  # TypeDef
    0x03: ("04",),  # FieldPtr
    0x04: (2, "string", "blob"),  # Field
    0x05: ("06",),  # MethodPtr
    0x06: (4, 2, 2, "string", "blob", "08"),  # MethodDef
    0x07: ("08",),  # ParamPtr
    0x08: (2, 2, "string"),  # Param
    0x09: ("02", "TypeDefOrRef"),  # InterfaceImpl
    0x0A: ("MemberRefParent", "string", "blob"),  # MemberRef
    0x0B: (2, "HasConstant", "blob"),  # Constant
    0x0C: ("HasCustomAttribute", "CustomAttributeType", "blob"),  # CustomAttribute
    0x0D: ("HasFieldMarshal", "blob"),  # FieldMarshal
    0x0E: (2, "HasDeclSecurity", "blob"),  # DeclSecurity
    0x0F: (2, 4, "02"),  # ClassLayout
    0x10: (4, "04"),  # FieldLayout
    0x11: ("blob",),  # StandAloneSig
    0x12: ("02", "14"),  # EventMap
    0x13: ("14",),  # EventPtr
    0x14: (2, "string", "TypeDefOrRef"),  # Event
    0x15: ("02", "17"),  # PropertyMap
    0x16: ("17",),  # PropertyPtr
    0x17: (2, "string", "blob"),  # Property
    0x18: (2, "06", "HasSemantics"),  # MethodSemantics
    0x19: ("02", "MethodDefOrRef", "MethodDefOrRef"),  # MethodImpl
    0x1A: ("string",),  # ModuleRef
    0x1B: ("blob",),  # TypeSpec
    0x1C: (2, "MemberForwarded", "string", "1A"),  # ImplMap
    0x1D: (4, "04"),  # FieldRVA
    0x1E: (4, 4),  # EncLog
    0x1F: (4,),  # EncMap
    0x20: (4, 2, 2, 2, 2, 4, "blob", "string", "string"),  # Assembly
}
"""Columns of each table up to Assembly: bytes, a heap, an index into several tables, or into one, by its number."""


@dataclass(frozen=True, slots=True)
class Heaps:
    """Where a module's name and identity are: an offset into ``#Strings``, a number counted from 1 in ``#GUID``."""

    name: int
    guid: int


@dataclass(frozen=True, slots=True)
class AssemblyRow:
    """An assembly's version, and where its name is in ``#Strings``."""

    version: tuple[int, ...]
    name: int


@dataclass(frozen=True, slots=True)
class ClrTables:
    """What is read of them; ``None`` for a table that has no row."""

    module: Heaps | None
    assembly: AssemblyRow | None

    @classmethod
    def read(cls, image: Image, address: int, length: int) -> Self | None:
        """The tables of a ``#~`` stream at a relative virtual address; ``None`` where its head is not in the file."""
        head = image.read(address, min(length, _HEAD.size + 4 * _TABLES_COUNT))
        if len(head) < _HEAD.size:
            return None
        sizes, present = _HEAD.unpack_from(head)
        numbers = [number for number in range(_TABLES_COUNT) if present >> number & 1]
        start = _HEAD.size + 4 * len(numbers)
        if len(head) < start:
            return None
        counts = dict(zip(numbers, struct.unpack_from(f"<{len(numbers)}I", head, _HEAD.size), strict=True))
        widths = _Widths(sizes, counts)
        return cls(
            _module(_row(image, address + start, _MODULE, widths)),
            _assembly(_row(image, address + start, _ASSEMBLY, widths)),
        )


class _Widths:
    """How many bytes a column has."""

    def __init__(self, heaps: int, counts: dict[int, int]) -> None:
        self.counts = counts
        self._heaps = {"string": 2 << (heaps & 1), "guid": 2 << (heaps >> 1 & 1), "blob": 2 << (heaps >> 2 & 1)}

    def of(self, column: int | str) -> int:
        if isinstance(column, int):
            return column
        if column in self._heaps:
            return self._heaps[column]
        bits, tables = _CODED.get(column) or (0, (int(column, 16),))
        largest = max(self.counts.get(table, 0) for table in tables)
        return 2 if largest < 1 << (16 - bits) else 4

    def row(self, table: int) -> int:
        return sum(self.of(column) for column in _COLUMNS[table])


def _row(image: Image, start: int, table: int, widths: _Widths) -> list[int] | None:
    """The first row of a table, a number a column."""
    if not widths.counts.get(table):
        return None
    before = (number for number in widths.counts if number < table)
    start += sum(min(widths.counts[number], _ROWS_MAX_COUNT) * widths.row(number) for number in before)
    data = image.read(start, widths.row(table))
    if len(data) < widths.row(table):
        return None
    values, offset = [], 0
    for width in map(widths.of, _COLUMNS[table]):
        values.append(int.from_bytes(data[offset : offset + width], "little"))
        offset += width
    return values


def _module(row: list[int] | None) -> Heaps | None:
    return None if row is None else Heaps(name=row[1], guid=row[2])


def _assembly(row: list[int] | None) -> AssemblyRow | None:
    return None if row is None else AssemblyRow(version=tuple(row[1:5]), name=row[7])
