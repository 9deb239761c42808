"""The strings of a version resource (Windows, VS_VERSIONINFO, StringFileInfo, StringTable, String).

Each structure is a length, a value length, a type, a UTF-16 key, a value and children, all aligned to four bytes. A
child ends where its parent ends at the latest, and the number of structures is limited, so any input takes little time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.naming import printable
from sampler.limits import KIB, TEXT_MAX_CHARACTERS

VERSION_MAX_BYTES: Final = 64 * KIB
"""How much of a version resource is read."""
_NODES_MAX_COUNT: Final = 512
"""Children of one structure."""
_KEY_MAX_CHARACTERS: Final = 128
_HEAD: Final = struct.Struct("<HHH")


@dataclass(frozen=True, slots=True)
class _Node:
    key: str
    body: int
    """Offset of the value, or of the first child of a structure without one."""
    value_length: int
    end: int


def version_strings(data: bytes) -> dict[str, str]:
    """The strings of all string tables by their keys (``CompanyName``); of several with one key the first one."""
    data = data[:VERSION_MAX_BYTES]
    strings: dict[str, str] = {}
    root = _node(data, 0, len(data))
    if root is None or root.key != "VS_VERSION_INFO":
        return strings
    for info in _children(data, _aligned(root.body + root.value_length), root.end):
        if info.key == "StringFileInfo":
            for table in _children(data, info.body, info.end):
                for string in _children(data, table.body, table.end):
                    strings.setdefault(string.key, _text(data[string.body : string.end]))
                if strings:
                    return strings
    return strings


def _children(data: bytes, offset: int, end: int) -> Iterator[_Node]:
    for _ in range(_NODES_MAX_COUNT):
        node = _node(data, offset, end)
        if node is None:
            return
        yield node
        offset = _aligned(node.end)


def _node(data: bytes, offset: int, end: int) -> _Node | None:
    if offset + _HEAD.size > min(end, len(data)):
        return None
    length, value_length, _ = _HEAD.unpack_from(data, offset)
    end = min(end, offset + length)
    start = offset + _HEAD.size
    if end <= start:
        return None
    raw = data[start : min(end, start + 2 * _KEY_MAX_CHARACTERS)]
    key = raw.decode("utf-16-le", "replace").partition("\0")[0]
    return _Node(key, _aligned(start + 2 * (len(key) + 1)), value_length, end)


def _text(raw: bytes) -> str:
    text = raw[: 2 * TEXT_MAX_CHARACTERS].decode("utf-16-le", "backslashreplace").partition("\0")[0]
    return printable(text.strip(), TEXT_MAX_CHARACTERS)


def _aligned(offset: int) -> int:
    return (offset + 3) & ~3
