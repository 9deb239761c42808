"""The resource tree of a PE (PE Format, "The .rsrc Section"): type, name and language, and the data behind each.

Our own walk and not pefile's: it visits each table once per path of at most three levels and stops at fixed counts, so
that loops and overlapping tables cost a bounded time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.naming import printable
from sampler.extract.pe_image import Image

ENTRIES_MAX_COUNT: Final = 8192
"""Table entries looked at in one file."""
_NAME_MAX_CHARACTERS: Final = 64
_LEVELS: Final = 3

_TABLE: Final = struct.Struct("<12xHH")
_ENTRY: Final = struct.Struct("<II")
_LEAF: Final = struct.Struct("<II8x")
_HIGH_BIT: Final = 0x8000_0000

TYPE_NAMES: Final = {
    1: "RT_CURSOR", 2: "RT_BITMAP", 3: "RT_ICON", 4: "RT_MENU", 5: "RT_DIALOG", 6: "RT_STRING", 7: "RT_FONTDIR",
    8: "RT_FONT", 9: "RT_ACCELERATOR", 10: "RT_RCDATA", 11: "RT_MESSAGETABLE", 12: "RT_GROUP_CURSOR",
    14: "RT_GROUP_ICON", 16: "RT_VERSION", 17: "RT_DLGINCLUDE", 19: "RT_PLUGPLAY", 20: "RT_VXD", 21: "RT_ANICURSOR",
    22: "RT_ANIICON", 23: "RT_HTML", 24: "RT_MANIFEST",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: ``RT_MANIFEST/1/1033``, and where its data is said to be."""

    name: str
    address: int
    """Relative virtual address."""
    length: int

    @property
    def type(self) -> str:
        """The first part of the name."""
        return self.name.partition("/")[0]


class ResourceTree:
    """One walk over the tree whose root lies at a relative virtual address."""

    def __init__(self, image: Image, root: int) -> None:
        self._image = image
        self._root = root
        self._entries_left = ENTRIES_MAX_COUNT
        self.problem = ""
        """Why the walk is not complete; empty when it is."""

    def __iter__(self) -> Iterator[Resource]:
        return self._table(0, ())

    def _table(self, offset: int, path: tuple[str, ...]) -> Iterator[Resource]:
        head = self._image.read(self._root + offset, _TABLE.size)
        if len(head) < _TABLE.size:
            self.problem = f"table at {offset} is outside the file"
            return
        entries = self._image.read(self._root + offset + _TABLE.size, sum(_TABLE.unpack(head)) * _ENTRY.size)
        for name, below in _ENTRY.iter_unpack(entries[: len(entries) // _ENTRY.size * _ENTRY.size]):
            if self._entries_left == 0:
                self.problem = f"only the first {ENTRIES_MAX_COUNT} entries are looked at"
                return
            self._entries_left -= 1
            yield from self._entry(below, (*path, self._name(name, len(path))))

    def _entry(self, below: int, path: tuple[str, ...]) -> Iterator[Resource]:
        if not below & _HIGH_BIT:
            yield from self._leaf(below, path)
        elif len(path) < _LEVELS:
            yield from self._table(below & ~_HIGH_BIT, path)
        else:
            self.problem = f"{'/'.join(path)} is a table on level {_LEVELS + 1}"

    def _leaf(self, offset: int, path: tuple[str, ...]) -> Iterator[Resource]:
        data = self._image.read(self._root + offset, _LEAF.size)
        if len(data) < _LEAF.size:
            self.problem = f"{'/'.join(path)} is outside the file"
            return
        address, length = _LEAF.unpack(data)
        yield Resource("/".join(path), address, length)

    def _name(self, name: int, level: int) -> str:
        if name & _HIGH_BIT:
            return self._text(self._root + (name & ~_HIGH_BIT))
        return TYPE_NAMES.get(name, str(name)) if level == 0 else str(name)

    def _text(self, address: int) -> str:
        """A counted UTF-16 string; ``/`` is escaped because it separates the parts of a resource's name."""
        length = int.from_bytes(self._image.read(address, 2), "little")
        raw = self._image.read(address + 2, 2 * min(length, _NAME_MAX_CHARACTERS))
        return printable(raw.decode("utf-16-le", "backslashreplace"), _NAME_MAX_CHARACTERS).replace("/", r"\x2f")
