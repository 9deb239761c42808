"""Which streams of a VBA project hold modules, and where their source begins ([MS-OVBA] 2.3.4.2, the dir stream). Pure.

Records are read as what they all are: a number, a length, that many bytes; only the version's length does not tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.limits import MIB

DIR_MAX_BYTES: Final = 1 * MIB
"""A dir stream, decompressed."""
MODULES_MAX_COUNT: Final = 1024
RECORDS_MAX_COUNT: Final = 65_536

_CODE_PAGE, _VERSION = 0x03, 0x09
_MODULE, _STREAM_NAME, _STREAM_NAME_WIDE, _OFFSET = 0x19, 0x1A, 0x32, 0x31


@dataclass(frozen=True, slots=True)
class Module:
    """One module as its project describes it."""

    stream: str
    """Name of its stream, to be compared without regard to case."""
    offset: int
    """Of its source in the stream: behind the compiled form, in bytes."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a dir stream says."""

    code_page: int
    """Of all source; 0 where it is not said."""
    modules: tuple[Module, ...]


def read_project(content: bytes) -> Project:
    """The project that a decompressed dir stream describes, as far as it holds together."""
    code_page = 0
    modules: list[Module] = []
    for number, value in _records(content):
        if number == _CODE_PAGE and len(value) == 2:
            (code_page,) = struct.unpack("<H", value)
        elif number == _MODULE and len(modules) < MODULES_MAX_COUNT:
            modules.append(Module("", 0))
        elif modules:
            modules[-1] = _told(modules[-1], number, value)
    return Project(code_page, tuple(module for module in modules if module.stream))


def _told(module: Module, number: int, value: bytes) -> Module:
    """The module with what one more record says of it."""
    if number == _STREAM_NAME and not module.stream:
        return Module(value.decode("ascii", "replace"), module.offset)
    if number == _STREAM_NAME_WIDE and value:
        return Module(value.decode("utf-16-le", "replace"), module.offset)
    if number == _OFFSET and len(value) == 4:
        return Module(module.stream, int.from_bytes(value, "little"))
    return module


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    for _ in range(RECORDS_MAX_COUNT):
        if position + 6 > len(content):
            return
        number, length = struct.unpack_from("<HI", content, position)
        length = 6 if number == _VERSION else length
        yield number, content[position + 6 : position + 6 + length]
        position += 6 + length
