"""ISO 9660 images: descriptors and trees of the input's bytes behind a system area that is empty."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.target import Target
from sampler.limits import KIB

_SECTOR: Final = 2048
_SYSTEM_AREA: Final = bytes(16 * _SECTOR)


def one_input(data: bytes) -> None:
    """Never an exception; every member lies inside."""
    judge_document(_SYSTEM_AREA + data[:1] + b"CD001" + data[6:])


def _record(sector: int, size: int, flags: int, name: bytes) -> bytes:
    length = 33 + len(name) + (len(name) + 1) % 2
    head = struct.pack("<BBI4xI4x7xBBBHHB", length, 0, sector, size, flags, 0, 0, 1, 0, len(name))
    return (head + name).ljust(length, b"\0")


def _seeds() -> Iterator[bytes]:
    for kind, escape in ((1, b""), (2, b"%/E")):
        descriptor = bytearray(bytes([kind]) + b"CD001\x01".ljust(_SECTOR - 1, b"\0"))
        descriptor[80:84] = struct.pack("<I", 20)
        descriptor[88 : 88 + len(escape)] = escape
        descriptor[128:130] = b"\0\x08"
        root = _record(18, _SECTOR, 2, b"\0")
        descriptor[156 : 156 + len(root)] = root
        folder = root + _record(18, _SECTOR, 2, b"\1") + _record(19, 9, 0, b"A.TXT;1") + _record(18, _SECTOR, 2, b"D")
        end = b"\xffCD001\x01".ljust(_SECTOR, b"\0")
        yield bytes(descriptor) + end + folder.ljust(_SECTOR, b"\0") + b"harmless\n".ljust(_SECTOR, b"\0")


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(b"CD001", b"NSR02", b"EL TORITO SPECIFICATION", b"%/E", b"NM\x08\x01\0", b"\xff\xff\xff\xff", b"\x88\0"),
    max_bytes=16 * KIB,
)
