"""The imports of a PE (PE Format, "The .idata Section", "Delay-Load Import Tables"), and the imphash over them.

Our own walk and not pefile's, which takes seconds and gigabytes over tables that are made to overlap. It stops at fixed
counts of libraries and symbols, whatever the tables say.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import ordlookup

from sampler.extract.pe_directories import DELAY_IMPORT, IMPORT
from sampler.extract.pe_image import Image
from sampler.limits import KIB

LIBRARIES_MAX_COUNT: Final = 1024
SYMBOLS_MAX_COUNT: Final = 16_384
"""Of all libraries together."""
_NAME_MAX_BYTES: Final = 512
_PAGE_BYTES: Final = 1 * KIB
"""Thunks are read so many bytes at a time."""

_DESCRIPTOR: Final = struct.Struct("<IIIII")
_DELAYED: Final = struct.Struct("<IIIIIIII")
_RELATIVE: Final = 1
"""In a delay-load descriptor: its addresses do not count from 0, as those of old linkers do."""
_SHORTENED: Final = (".dll", ".sys", ".ocx")
"""What the imphash leaves out of a library's name."""

Symbol: TypeAlias = bytes | int
"""A name, or an ordinal."""


@dataclass(frozen=True, slots=True)
class Library:
    """One imported library."""

    name: bytes
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    name: int
    lookup: int
    bound: int
    """Addresses, relative to the image base."""


class ImportTables:
    """One reading of both tables of an image."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._symbols_left = SYMBOLS_MAX_COUNT
        self.problem = ""
        """Why the reading is not complete; empty when it is."""
        self.imported = tuple(self._libraries(self._rows()))
        self.delayed = tuple(self._libraries(self._delayed_rows()))

    @property
    def imphash(self) -> str:
        """MD5 over the imported names in their order, as Mandiant defined it; empty where nothing is imported.

        What is only a part of the names has no hash: it would be that of another file.
        """
        if self.problem:
            return ""
        names = ",".join(name for library in self.imported for name in _hashed_names(library))
        return hashlib.md5(names.encode(), usedforsecurity=False).hexdigest() if names else ""

    def _rows(self) -> Iterator[_Row]:
        for lookup, _, _, name, bound in self._table(IMPORT, _DESCRIPTOR):
            if not name or not bound:
                return
            yield _Row(name, lookup, bound)

    def _delayed_rows(self) -> Iterator[_Row]:
        for flags, name, _, bound, lookup, *_ in self._table(DELAY_IMPORT, _DELAYED):
            if not name or not bound:
                return
            less = 0 if flags & _RELATIVE else self._image.base
            yield _Row(name - less, lookup - less, bound - less)

    def _table(self, index: int, row: struct.Struct) -> Iterator[tuple[int, ...]]:
        """Rows up to the first that is all zeros or not in the file; the directory's size is not what ends a table."""
        address, _ = self._image.directory(index)
        for _ in range(LIBRARIES_MAX_COUNT if address else 0):
            data = self._image.read(address, row.size)
            if len(data) < row.size:
                self.problem = self.problem or f"table at {address:#x} is outside the file"
                return
            if not any(data):
                return
            yield row.unpack(data)
            address += row.size
        if address:
            self.problem = f"only the first {LIBRARIES_MAX_COUNT} libraries are looked at"

    def _libraries(self, rows: Iterator[_Row]) -> Iterator[Library]:
        for row in rows:
            symbols = tuple(self._symbols(row.lookup)) or tuple(self._symbols(row.bound))
            name = self._image.text(row.name, _NAME_MAX_BYTES)
            if name or symbols:
                yield Library(name, symbols)

    def _symbols(self, table: int) -> Iterator[Symbol]:
        by_ordinal = 1 << (63 if self._image.is_wide else 31)
        for thunk in self._thunks(table):
            if self._symbols_left == 0:
                self.problem = f"only the first {SYMBOLS_MAX_COUNT} symbols are looked at"
                return
            self._symbols_left -= 1
            if thunk & by_ordinal:
                yield thunk & 0xFFFF
            elif name := self._image.text((thunk & 0x7FFFFFFF) + 2, _NAME_MAX_BYTES):
                yield name

    def _thunks(self, address: int) -> Iterator[int]:
        layout = struct.Struct("<Q" if self._image.is_wide else "<I")
        while data := self._image.read(address, _PAGE_BYTES) if address > 0 else b"":
            for (thunk,) in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
                if thunk == 0:
                    return
                yield thunk
            address += _PAGE_BYTES


def shown(library: Library, symbol: Symbol) -> str:
    """``KERNEL32.dll!CreateFileW``, ``WS2_32.dll!#23``."""
    name = f"#{symbol}" if isinstance(symbol, int) else symbol.decode("utf-8", "backslashreplace")
    return f"{library.name.decode('utf-8', 'backslashreplace')}!{name}"


def _hashed_names(library: Library) -> Iterator[str]:
    lowered = library.name.lower()
    text = lowered.decode("utf-8", "backslashreplace")
    short = text[:-4] if text.endswith(_SHORTENED) else text
    for symbol in library.symbols:
        name = ordlookup.ordLookup(lowered, symbol, make_name=True) if isinstance(symbol, int) else symbol
        yield f"{short}.{name.decode('utf-8', 'backslashreplace').lower()}"
