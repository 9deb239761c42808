"""A header of RPM as its database keeps it: an index of tags over a store of values (rpm 4.18, RPM V4 Package format).

The database is written by root; still every count and offset is held against the bytes that there are.
"""

from __future__ import annotations

import struct
from typing import Final

NAME, VERSION, RELEASE, EPOCH, ARCH = 1000, 1001, 1002, 1003, 1022
FILE_DIGESTS, FILE_DIGEST_ALGORITHM, DIRECTORY_INDEXES, BASENAMES, DIRECTORIES = 1035, 5011, 1116, 1117, 1118

TAGS_MAX_COUNT: Final = 1 << 16
FILES_MAX_COUNT: Final = 1 << 20
"""Of one package."""
_INTRODUCTION: Final = struct.Struct(">II")
_ENTRY: Final = struct.Struct(">IIII")
_INTEGER: Final = struct.Struct(">I")
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9


class RpmHeader:
    """Values of one installed package by their tags. What is absent or does not lie in the header is ``None``."""

    def __init__(self, blob: bytes) -> None:
        self._store = b""
        self._entries: dict[int, tuple[int, int, int]] = {}
        if len(blob) < _INTRODUCTION.size:
            return
        tags, size = _INTRODUCTION.unpack_from(blob)
        start = _INTRODUCTION.size + tags * _ENTRY.size
        if tags > TAGS_MAX_COUNT or start + size > len(blob):
            return
        self._store = blob[start : start + size]
        for tag, kind, offset, count in _ENTRY.iter_unpack(blob[_INTRODUCTION.size : start]):
            self._entries.setdefault(tag, (kind, offset, count))

    def text(self, tag: int, index: int = 0) -> bytes | None:
        """A string, or one of several."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        if kind not in {_STRING, _STRINGS, _TRANSLATED} or not 0 <= index < min(count, FILES_MAX_COUNT):
            return None
        strings = self._store[offset:].split(b"\0", index + 1)
        return strings[index] if len(strings) > index + 1 else None

    def number(self, tag: int, index: int = 0) -> int | None:
        """An integer of 32 bits, or one of several."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        place = offset + index * _INTEGER.size
        if kind != _INT32 or not 0 <= index < count or place + _INTEGER.size > len(self._store):
            return None
        return int(_INTEGER.unpack_from(self._store, place)[0])
