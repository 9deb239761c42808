"""Symbols of an ELF file (gABI chapter 4, "Symbol Table"): from the section table, or as the loader finds them.

Never raises. A file with more than ``SYMBOLS_MAX_COUNT`` symbols has only the first of them read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampler.extract.elf_dynamic import DynamicTable
from sampler.extract.elf_image import ElfImage, Strings
from sampler.extract.elf_tables import ElfSection

SYMBOLS_MAX_COUNT: Final = 32_768
"""Reading so many takes some 60 milliseconds."""
SHT_SYMTAB: Final = 2
SHT_DYNSYM: Final = 11
_ET_REL: Final = 1

_LAYOUTS: Final = {32: ("IIIBBH", 16), 64: ("IBBHQQ", 24)}
"""Of one row, and its size in bytes."""
_NAME_AND_KIND: Final = {32: (0, 3, 4, 5), 64: (0, 1, 2, 3)}
"""Where st_name, st_info, st_other and st_shndx stand in a row."""

FUNCTION: Final = 2
GLOBAL: Final = 1
_OF_OTHERS: Final = (1, 2, 10)
"""STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE: bindings that other files see."""
_SEEN: Final = (0, 3)
"""STV_DEFAULT, STV_PROTECTED."""


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """One symbol that has a name."""

    name: bytes
    kind: int
    binding: int
    visibility: int
    defined: bool

    @property
    def imported(self) -> bool:
        """Whether another file has to bring it."""
        return not self.defined and self.binding in _OF_OTHERS

    @property
    def exported(self) -> bool:
        """Whether it is there for other files."""
        return self.defined and self.binding in _OF_OTHERS and self.visibility in _SEEN


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """The named symbols of one table."""

    symbols: tuple[ElfSymbol, ...] = ()
    total: int = 0
    """Rows of the table, as far as they lie in the file."""

    @property
    def whole(self) -> bool:
        """Whether every row was read."""
        return self.total <= SYMBOLS_MAX_COUNT


def linked_symbols(image: ElfImage, dynamic: DynamicTable) -> SymbolTable:
    """What the file has for and wants of others: its dynamic symbols, or all of an object that is yet to be linked."""
    section = image.section_of_kind(SHT_DYNSYM)
    if section is None and image.header.type == _ET_REL:
        section = image.section_of_kind(SHT_SYMTAB)
    if section is not None:
        return symbols_in(image, section)
    if dynamic.symbols_offset is None or dynamic.strings is None:
        return SymbolTable()
    length = _count_by_hash(image, dynamic) * _LAYOUTS[image.header.bits][1]
    return _read(image, dynamic.symbols_offset, length, dynamic.strings)


def symbols_in(image: ElfImage, section: ElfSection) -> SymbolTable:
    """The symbols of one section."""
    return _read(image, section.offset, section.length, image.strings_of(section))


def _read(image: ElfImage, offset: int, length: int, strings: Strings) -> SymbolTable:
    layout, size = _LAYOUTS[image.header.bits]
    total = max(0, min(length, len(image.view) - offset)) // size
    name, info, other, section = _NAME_AND_KIND[image.header.bits]
    symbols = (
        ElfSymbol(strings.at(row[name]), row[info] & 0xF, row[info] >> 4, row[other] & 3, defined=row[section] != 0)
        for row in image.rows(layout, offset, min(total, SYMBOLS_MAX_COUNT) * size)
        if row[name]
    )
    return SymbolTable(tuple(symbol for symbol in symbols if symbol.name), total)


def _count_by_hash(image: ElfImage, dynamic: DynamicTable) -> int:
    """How many dynamic symbols there are: only the hash tables know when sections have been stripped."""
    if dynamic.hash_offset is not None:
        heads = image.rows("II", dynamic.hash_offset, 8)
        return heads[0][1] if heads else 0
    return _count_by_gnu_hash(image, dynamic.gnu_hash_offset) if dynamic.gnu_hash_offset is not None else 0


def _count_by_gnu_hash(image: ElfImage, offset: int) -> int:
    """The last chain's end (the GNU hash section: four words, a Bloom filter, buckets, chains)."""
    heads = image.rows("IIII", offset, 16)
    if not heads:
        return 0
    buckets, first, words, _ = heads[0]
    start = offset + 16 + words * image.header.bits // 8
    last = max((row[0] for row in image.rows("I", start, buckets * 4)), default=0)
    if last < first:
        return first
    chains = start + buckets * 4 + (last - first) * 4
    steps = image.rows("I", chains, SYMBOLS_MAX_COUNT * 4)
    ends = next((index for index, row in enumerate(steps) if row[0] & 1), len(steps))
    return last + ends + 1
