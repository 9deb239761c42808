"""Volumes and directory records of an ISO 9660 image as frozen values (ECMA-119; Joliet; Rock Ridge, RRIP 1.12).

Trees are walked breadth first; a directory that was read is not read again, so that loops end.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import MIB

SECTOR_BYTES: Final = 2048
_FIRST_DESCRIPTOR: Final = 16
_DESCRIPTORS_MAX_COUNT: Final = 64
_DIRECTORIES_MAX_COUNT: Final = 4096
_RECORDS_MAX_COUNT: Final = 16_384
_DIRECTORY_MAX_BYTES: Final = 1 * MIB
_DEPTH_MAX_COUNT: Final = 32
_JOLIET: Final = (b"%/@", b"%/C", b"%/E")
_UDF: Final = (b"NSR02", b"NSR03")
_BOOT_SYSTEM: Final = b"EL TORITO SPECIFICATION"
_IS_FOLDER: Final = 0x02
_PATH_MAX_BYTES: Final = 1024
_UTF_16: Final = codecs.lookup("utf-16-be")
"""Loaded here, because a sandboxed child can load nothing any more."""
_SYSTEM_USE_MAX_COUNT: Final = 32


@dataclass(frozen=True, slots=True)
class IsoFile:
    """One file; offset and length in bytes of the image, not checked against it."""

    name: str
    """Its path, fit to be shown."""
    raw_name: bytes
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Volume:
    """One tree of an image."""

    joliet: bool
    block_bytes: int
    blocks: int
    """Of the whole volume."""
    root: bytes
    """Its directory record."""


@dataclass(frozen=True, slots=True)
class IsoImage:
    """What the descriptors of an image say."""

    volumes: tuple[Volume, ...]
    boot_catalogue: int
    """Byte offset; 0 where there is none (El Torito)."""
    has_udf: bool
    descriptors_end: int


@dataclass(frozen=True, slots=True)
class _Folder:
    path: bytes
    offset: int
    length: int
    depth: int


def read_image(data: Data) -> IsoImage:
    """The volume descriptors (ECMA-119, 8), those of UDF behind them among them."""
    volumes: list[Volume] = []
    catalogue, has_udf, end = 0, False, _FIRST_DESCRIPTOR * SECTOR_BYTES
    for index in range(_DESCRIPTORS_MAX_COUNT):
        offset = (_FIRST_DESCRIPTOR + index) * SECTOR_BYTES
        sector = bytes(data[offset : offset + SECTOR_BYTES])
        mark = sector[1:6]
        has_udf = has_udf or mark in _UDF
        if len(sector) < SECTOR_BYTES or mark not in (b"CD001", b"BEA01", b"TEA01", *_UDF):
            break
        end = offset + SECTOR_BYTES
        if mark != b"CD001":
            continue
        if sector[0] == 0 and sector[7:39].startswith(_BOOT_SYSTEM):
            catalogue = int.from_bytes(sector[0x47:0x4B], "little") * SECTOR_BYTES
        elif sector[0] in (1, 2):
            volumes += _volume(sector)
    return IsoImage(tuple(volumes), catalogue, has_udf, end)


def walk(data: Data, volume: Volume, faults: list[Fault]) -> Iterator[IsoFile]:
    """The files of one tree; what does not hold together is added to ``faults``."""
    root = _extent(volume.root, volume)
    waiting = deque([_Folder(b"", root[0], root[1], 0)])
    seen = {root[0]}
    left = _RECORDS_MAX_COUNT
    while waiting:
        folder = waiting.popleft()
        for record in _records(data, folder):
            left -= 1
            if left < 0:
                faults.append(Fault("too-many-members", f"only the first {_RECORDS_MAX_COUNT} records are read"))
                return
            offset, length = _extent(record, volume)
            raw = (folder.path + _raw_name(record, joliet=volume.joliet))[:_PATH_MAX_BYTES]
            if not record[25] & _IS_FOLDER:
                yield IsoFile(printable(raw), raw, offset, length)
                continue
            fault = _refused(raw, offset, folder, seen)
            if fault:
                faults.append(fault)
            else:
                seen.add(offset)
                waiting.append(_Folder(raw + b"/", offset, length, folder.depth + 1))


def _refused(raw: bytes, offset: int, parent: _Folder, seen: set[int]) -> Fault | None:
    name = printable(raw)
    if offset in seen:
        return Fault("directory-loop", f"the directory {name!r} lies where another one does")
    if parent.depth >= _DEPTH_MAX_COUNT or len(seen) >= _DIRECTORIES_MAX_COUNT:
        return Fault("too-deep", f"the directory {name!r} is not read")
    return None


def _volume(sector: bytes) -> Iterator[Volume]:
    is_joliet = sector[0] == 2 and sector[88:91] in _JOLIET
    block_bytes = int.from_bytes(sector[128:130], "little")
    if sector[0] == 2 and not is_joliet:
        return
    if block_bytes not in (512, 1024, 2048):
        block_bytes = SECTOR_BYTES
    yield Volume(is_joliet, block_bytes, int.from_bytes(sector[80:84], "little"), sector[156:190])


def _extent(record: bytes, volume: Volume) -> tuple[int, int]:
    """Byte offset and length of a record's extent (ECMA-119, 9.1), behind its extended attributes."""
    block = int.from_bytes(record[2:6], "little") + record[1]
    return block * volume.block_bytes, int.from_bytes(record[10:14], "little")


def _records(data: Data, folder: _Folder) -> Iterator[bytes]:
    """The records of a directory; none crosses a sector, and the rest of a sector is zeros (ECMA-119, 6.8.1.1)."""
    length = min(folder.length, _DIRECTORY_MAX_BYTES)
    for start in range(folder.offset, folder.offset + length, SECTOR_BYTES):
        sector = bytes(data[start : start + SECTOR_BYTES])
        at = 0
        while at + 34 <= len(sector) and sector[at] >= 34:
            record = sector[at : at + sector[at]]
            at += sector[at]
            if len(record) >= 34 and record[33 : 33 + record[32]] not in (b"\0", b"\1"):
                yield record


def _raw_name(record: bytes, *, joliet: bool) -> bytes:
    stored = record[33 : 33 + record[32]]
    wide = stored.decode("utf-16-be", "replace").encode("utf-8", "replace") if joliet else b""
    raw = wide or _rock_ridge_name(record) or stored
    name, _, version = raw.rpartition(b";")
    return name if name and version.isdigit() else raw


def _rock_ridge_name(record: bytes) -> bytes:
    """The alternate name in the system use area (RRIP, 4.1.4 "NM"); continuation areas are not followed."""
    at = 33 + record[32] + (record[32] + 1) % 2
    name = b""
    for _ in range(_SYSTEM_USE_MAX_COUNT):
        if at + 4 > len(record) or record[at + 2] < 4:
            return name
        if record[at : at + 2] == b"NM":
            name += record[at + 5 : at + record[at + 2]]
        at += record[at + 2]
    return name
