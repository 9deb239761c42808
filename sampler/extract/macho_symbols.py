"""What a Mach-O image has for others and wants of them: symbols and their hash (``mach-o/nlist.h``). Never raises."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.macho_tables import MachImage

SYMBOLS_MAX_COUNT: Final = 32_768
NAME_MAX_BYTES: Final = 1024
_SYMTAB: Final = 0x02
_LAYOUTS: Final = {32: "IBBHI", 64: "IBBHQ"}

_DEBUGGING: Final = 0xE0
"""N_STAB."""
_TYPE: Final = 0x0E
_EXTERNAL: Final = 0x01
_PRIVATE: Final = 0x10
_UNDEFINED: Final = 0


@dataclass(frozen=True, slots=True)
class MachSymbols:
    """Names of external symbols, in the order of the table."""

    imports: tuple[bytes, ...] = ()
    exports: tuple[bytes, ...] = ()
    total: int = 0
    """Rows of the table, as far as they lie in the image."""

    @property
    def whole(self) -> bool:
        """Whether every row was read."""
        return self.total <= SYMBOLS_MAX_COUNT

    @property
    def symhash(self) -> str:
        """The symhash as Anomali defined it: MD5 over the sorted names of undefined external symbols and commas.

        Empty for an image without any, and for one whose symbols were not all read.
        """
        if not self.imports or not self.whole:
            return ""
        return hashlib.md5(b",".join(sorted(self.imports)), usedforsecurity=False).hexdigest()


def read_symbols(image: MachImage) -> MachSymbols:
    """What ``LC_SYMTAB`` leads to."""
    command = image.first(_SYMTAB)
    fields = image.fields(command, "IIII") if command else ()
    if not fields:
        return MachSymbols()
    offset, count, strings, strings_length = fields
    form = struct.Struct(image.header.byte_order + _LAYOUTS[image.header.bits])
    total = min(count, max(0, len(image.view) - offset) // form.size)
    table = image.view[offset : offset + min(total, SYMBOLS_MAX_COUNT) * form.size]
    imports: list[bytes] = []
    exports: list[bytes] = []
    for name_at, kind in _external(form, table):
        name = _name_at(image, strings, strings_length, name_at)
        if name and kind & _TYPE == _UNDEFINED:
            imports.append(name)
        elif name and not kind & _PRIVATE:
            exports.append(name)
    return MachSymbols(tuple(imports), tuple(exports), total)


def _external(form: struct.Struct, table: bytes) -> Iterator[tuple[int, int]]:
    for name_at, kind, _, _, _ in form.iter_unpack(table):
        if kind & _EXTERNAL and not kind & _DEBUGGING:
            yield name_at, kind


def _name_at(image: MachImage, strings: int, length: int, index: int) -> bytes:
    if index >= length:
        return b""
    start = strings + index
    return image.view[start : start + min(NAME_MAX_BYTES, length - index)].partition(b"\0")[0]
