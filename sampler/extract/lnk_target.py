"""The path that a shortcut leads to: from its link information, else from its list of items ([MS-SHLLINK] 2.2, 2.3).

What items hold is not specified; drives and files are read as Windows has written them since Windows XP, and what is
not understood is left out of the path. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sampler.extract.naming import printable

TEXT_MAX_CHARACTERS: Final = 4096
ITEMS_MAX_COUNT: Final = 128

_DRIVE, _FILE = 0x20, 0x30
_WIDE_FILE: Final = 0x04
_EXTENSION: Final = b"\x04\x00\xef\xbe"
"""Signature of the block that holds a file's long name."""
_LOCAL, _NETWORK = 1, 2
_WIDE_HEADER_BYTES: Final = 0x24
_LONG_NAME_PLACES: Final = ((9, 46), (8, 42), (7, 38), (3, 20))
"""Where the long name lies in its block, by the version from which on it does."""


def link_info_path(info: bytes) -> str:
    """The path in a LinkInfo structure (2.3), its length included; empty where it has none."""
    flags = _number(info, 8)
    is_wide = _number(info, 4) >= _WIDE_HEADER_BYTES
    local, suffix = "", _narrow(info, _number(info, 24))
    if flags & _LOCAL:
        local = (_wide(info, _number(info, 28)) if is_wide else "") or _narrow(info, _number(info, 16))
    elif flags & _NETWORK:
        local = _share(info, _number(info, 20))
    suffix = (_wide(info, _number(info, 32)) if is_wide else "") or suffix
    joint = "\\" if local and suffix and not local.endswith("\\") else ""
    return printable(f"{local}{joint}{suffix}", TEXT_MAX_CHARACTERS)


def id_list_path(items: bytes) -> str:
    """The path that the items of a LinkTargetIDList lead along (2.2); empty where none is understood."""
    names = [name for name in map(_item_name, _items(items)) if name]
    return printable("\\".join(name.rstrip("\\") for name in names), TEXT_MAX_CHARACTERS)


def _items(raw: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(ITEMS_MAX_COUNT):
        length = int.from_bytes(raw[position : position + 2], "little")
        if length < 3:
            return
        item = raw[position + 2 : position + length]
        if not item:
            return
        yield item
        position += length


def _item_name(item: bytes) -> str:
    kind = item[0] & 0x70
    if kind == _DRIVE and item[0] & 1:
        return _until_nul(item[1:], "latin-1")
    if kind != _FILE:
        return ""
    extension = item.rfind(_EXTENSION)
    long_name = _long_name(item, extension) if extension >= 4 else ""
    return long_name or _until_nul(item[12:], "utf-16-le" if item[0] & _WIDE_FILE else "latin-1")


def _long_name(item: bytes, extension: int) -> str:
    version = int.from_bytes(item[extension - 2 : extension], "little")
    places = (place for first, place in _LONG_NAME_PLACES if version >= first)
    start = extension - 4 + next(places, len(item))
    return _until_nul(item[start:], "utf-16-le")


def _share(info: bytes, offset: int) -> str:
    """The share's name in a CommonNetworkRelativeLink (2.3.2)."""
    name = _number(info, offset + 8) if offset else 0
    return _narrow(info, offset + name) if name else ""


def _number(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 4], "little")


def _narrow(info: bytes, offset: int) -> str:
    return _until_nul(info[offset:], "latin-1") if offset else ""


def _wide(info: bytes, offset: int) -> str:
    return _until_nul(info[offset:], "utf-16-le") if offset else ""


def _until_nul(raw: bytes, encoding: str) -> str:
    return raw[: 4 * TEXT_MAX_CHARACTERS].decode(encoding, "replace").partition("\0")[0]
