"""The directory of a compound file ([MS-CFB] 2.6): entries as frozen values, and which storage each lies in. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sampler.extract.naming import printable

DEPTH_MAX_COUNT: Final = 32
"""Storages inside each other; what lies deeper is as if no storage led to it."""
ENTRY_BYTES: Final = 128
STORAGE, STREAM, ROOT = 1, 2, 5

_ENTRY: Final = struct.Struct("<64sHBBIII16sI8s8sIQ")
_NAME_MAX_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class OleEntry:
    """One entry of the directory; sizes in bytes, none of them checked."""

    sid: int
    """Its place in the directory; what the step ``ole:SID`` names."""
    name: str
    """As it is stored: for comparing, not for showing."""
    kind: int
    class_id: bytes
    start: int
    """The first sector of its bytes."""
    size: int
    left: int
    right: int
    child: int
    parent: int = -1
    """Of the storage that it lies in; -1 for the root, and where no storage leads to it."""
    path: tuple[str, ...] = ()
    """Names from a child of the root down to its own; only its own where no storage leads to it."""

    @property
    def is_stream(self) -> bool:
        """Whether it has bytes."""
        return self.kind == STREAM

    @property
    def is_linked(self) -> bool:
        """Whether a storage leads to it."""
        return self.parent >= 0


def read_entries(raw: bytes, *, wide: bool) -> list[OleEntry]:
    """The entries in a directory's bytes, in their order.

    Args:
        raw: the directory; what is left of an entry at its end is not looked at.
        wide: whether sizes have 64 bits, as from version 4 on (2.6.1); the upper half is not reliable before.
    """
    entries = []
    for sid, row in enumerate(_ENTRY.iter_unpack(raw[: len(raw) // ENTRY_BYTES * ENTRY_BYTES])):
        name_bytes, length, kind, _, left, right, child, class_id, _, _, _, start, size = row
        name = _name(name_bytes, length)
        size = size if wide else size & 0xFFFFFFFF
        entries.append(OleEntry(sid, name, kind, class_id, start, size, left, right, child, path=(name,)))
    return entries


def placed(entries: Sequence[OleEntry]) -> tuple[OleEntry, ...]:
    """The same entries with the storages that they lie in.

    Children are a tree of siblings (2.6.4). Each entry is visited once, whatever the links say, so that loops end.
    """
    found = list(entries)
    stack: list[tuple[int, int, tuple[str, ...]]] = [(entries[0].child, 0, ())] if entries else []
    seen = {0}
    while stack:
        sid, parent, above = stack.pop()
        if sid in seen or sid >= len(found):
            continue
        seen.add(sid)
        entry = found[sid]
        path = (*above, entry.name)
        found[sid] = replace(entry, parent=parent, path=path)
        stack += [(entry.left, parent, above), (entry.right, parent, above)]
        if entry.kind == STORAGE and len(path) < DEPTH_MAX_COUNT:
            stack.append((entry.child, sid, path))
    return tuple(found)


def title_of_entry(entry: OleEntry) -> str:
    """How people read an entry: the names of the storages that it lies in, and its own."""
    return printable("/".join(entry.path))


def class_text(class_id: bytes) -> str:
    """A CLSID as it is written in text; empty where it is all zeros."""
    if not any(class_id):
        return ""
    return str(UUID(bytes_le=class_id)).upper()


def _name(raw: bytes, length: int) -> str:
    """UTF-16 with a NUL at its end; a length that cannot be is not believed (2.6.1)."""
    length = length if 2 <= length <= _NAME_MAX_BYTES else _NAME_MAX_BYTES
    return raw[: length // 2 * 2].decode("utf-16-le", "replace").partition("\0")[0]
