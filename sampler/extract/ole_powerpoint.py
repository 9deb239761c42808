"""Storages that a PowerPoint presentation keeps packed in its one stream: macros and embedded objects ([MS-PPT])."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import Inflater, Unpacked, unpack_stream
from sampler.extract.extraction import Data
from sampler.extract.ole_file import stream_named

RECORDS_MAX_COUNT: Final = 65_536
STORAGES_MAX_COUNT: Final = 256

_HEAD: Final = struct.Struct("<HHI")
_CONTAINER: Final = 0xF
_STORAGE: Final = 0x1011
_ZLIB: Final = 15
_STEP: Final = re.compile(r"(\d{1,6})\+(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PackedStorage:
    """A record RT_ExternalOleObjectStg ([MS-PPT] 2.10.34)."""

    offset: int
    """Of its header in the stream; what the step ``ppt:SID+OFFSET`` names."""
    length: int
    """Of its body."""
    is_compressed: bool


def storages_in(content: bytes) -> Iterator[PackedStorage]:
    """The packed storages of a stream ``PowerPoint Document``, in their order."""
    position, found = 0, 0
    for _ in range(RECORDS_MAX_COUNT):
        if position + _HEAD.size > len(content) or found == STORAGES_MAX_COUNT:
            return
        first, kind, length = _HEAD.unpack_from(content, position)
        if kind == _STORAGE:
            found += 1
            yield PackedStorage(position, min(length, len(content) - position - _HEAD.size), bool(first >> 4 & 1))
        inside = first & 0xF == _CONTAINER
        position += _HEAD.size + (0 if inside else length)


def unpack_storage(content: bytes, storage: PackedStorage, ceiling: int) -> Unpacked:
    """The compound file that a record holds.

    Raises:
        NotUnpacked: ``too-large``: more than ``ceiling`` bytes would come out.
    """
    body = content[storage.offset + _HEAD.size : storage.offset + _HEAD.size + storage.length]
    if not storage.is_compressed:
        return Unpacked(body[:ceiling])
    return unpack_stream(Inflater(_ZLIB), iter((body[4:],)), ceiling)


def read_storage(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``ppt:SID+OFFSET``: the storage packed in the record at an offset of a stream.

    Raises:
        NotDerivable: there is no such stream, or no such record.
    """
    parts = _STEP.fullmatch(argument)
    if parts is None:
        raise NotDerivable(f"no record {argument!r}")
    file, entry = stream_named(data, parts[1])
    content = file.read(entry, ceiling).content
    for storage in storages_in(content):
        if storage.offset == int(parts[2]):
            return unpack_storage(content, storage, ceiling).content
    raise NotDerivable(f"no packed storage at {parts[2]}")
