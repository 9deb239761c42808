"""Headers of a tape archive as frozen values: ustar and pax (POSIX.1-2017, pax), GNU's long names. Never raises.

Nothing but headers is read. A header whose checksum is wrong ends the archive: what follows it has no place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.limits import KIB

HEADERS_MAX_COUNT: Final = 8192
"""Headers that are read of one archive; a member takes up to three."""
BLOCK_BYTES: Final = 512
_EXTENDED_MAX_BYTES: Final = 64 * KIB
"""What is read of one extended header or long name."""
_RECORDS_MAX_COUNT: Final = 1024
_SIZE_MAX: Final = 2**63

_FILES: Final = (b"0", b"\0", b"7")
_EXTENDED: Final = (b"x", b"X")
_LONG_NAME, _LONG_LINK, _GLOBAL, _FOLDER, _SPARSE = b"L", b"K", b"g", b"5", b"S"


class TarKind(StrEnum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    """Hard or symbolic; it has no bytes of its own."""
    SPARSE = "sparse"
    """A file whose holes are left out: its bytes are no stretch of the archive."""
    SPECIAL = "special"
    """A device or a pipe."""


_KINDS: Final = {b"1": TarKind.LINK, b"2": TarKind.LINK, b"5": TarKind.FOLDER, b"S": TarKind.SPARSE}


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member; offset and size in bytes, not checked against the object."""

    name: str
    """Fit to be shown; never to be opened."""
    raw_name: bytes
    kind: TarKind
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TarFile:
    """What the headers of an archive say."""

    members: tuple[TarMember, ...]
    faults: tuple[Fault, ...]
    end: int
    """Where the first block lies that is no header and no member's."""


@dataclass(slots=True)
class _Said:
    """What extended headers say of the member that follows."""

    path: bytes | None = None
    size: int | None = None
    sparse: bool = False


def is_header(block: bytes) -> bool:
    """Whether a block is a header: its checksum is right, and it is not empty."""
    if len(block) < BLOCK_BYTES or not block[0]:
        return False
    claimed = _number(block[148:156])
    return claimed is not None and claimed == sum(block[:148]) + 8 * 0x20 + sum(block[156:BLOCK_BYTES])


def read_tar(data: Data) -> TarFile:
    """The members of an archive, in their order."""
    reader = _Reader(data)
    members = tuple(reader.members())
    return TarFile(members, tuple(reader.faults), min(reader.offset, len(data)))


class _Reader:
    """Goes from header to header."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self.offset = 0
        self.faults: list[Fault] = []

    def members(self) -> Iterator[TarMember]:
        said = _Said()
        for _ in range(HEADERS_MAX_COUNT):
            block = bytes(self._data[self.offset : self.offset + BLOCK_BYTES])
            if not is_header(block):
                self._end(block)
                return
            size = _number(block[124:136])
            if size is None or size >= _SIZE_MAX:
                self.faults.append(Fault("damaged", f"the member at {self.offset} has no size"))
                return
            self.offset += BLOCK_BYTES
            if self._extends(block[156:157], size, said):
                self.offset += _padded(size)
                continue
            member = _member(block, self.offset, size, said)
            self.offset += _padded(member.size if _has_bytes(member) else 0)
            said = _Said()
            yield member
        self.faults.append(Fault("too-many-members", f"only the first {HEADERS_MAX_COUNT} headers are read"))

    def _extends(self, kind: bytes, size: int, said: _Said) -> bool:
        """Whether the header says something of the next one instead of being a member's."""
        if kind not in (*_EXTENDED, _GLOBAL, _LONG_NAME, _LONG_LINK):
            return False
        if size > _EXTENDED_MAX_BYTES:
            self.faults.append(Fault("damaged", f"an extended header of {size} bytes"))
        text = bytes(self._data[self.offset : self.offset + min(size, _EXTENDED_MAX_BYTES)])
        if kind == _LONG_NAME:
            said.path = text.rstrip(b"\0")
        elif kind in _EXTENDED:
            _hear(text, said)
        return True

    def _end(self, block: bytes) -> None:
        if block and any(block):
            self.faults.append(Fault("damaged", f"what stands at {self.offset} is no header"))
        elif not block:
            self.faults.append(Fault("truncated", "it ends without an end mark"))


def _hear(text: bytes, said: _Said) -> None:
    """Records of an extended header: length, blank, key, equals sign, value, newline (pax, "Extended Header")."""
    for _ in range(_RECORDS_MAX_COUNT):
        digits, blank, _ = text[:20].partition(b" ")
        if not blank or not digits.isdigit() or not len(digits) + 1 < int(digits) <= len(text):
            return
        key, _, value = text[len(digits) + 1 : int(digits) - 1].partition(b"=")
        text = text[int(digits) :]
        if key == b"path":
            said.path = value
        elif key == b"size" and value.isdigit() and len(value) < 19:
            said.size = int(value)
        elif key.startswith(b"GNU.sparse."):
            said.sparse = True


def _member(block: bytes, offset: int, size: int, said: _Said) -> TarMember:
    raw = said.path if said.path is not None else _header_name(block)
    kind = TarKind.FILE if block[156:157] in _FILES else _KINDS.get(block[156:157], TarKind.SPECIAL)
    if kind is TarKind.FILE and said.sparse:
        kind = TarKind.SPARSE
    if kind is TarKind.FILE and raw.endswith(b"/"):
        kind = TarKind.FOLDER
    return TarMember(printable(raw), raw, kind, offset, size if said.size is None else said.size)


def _header_name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _has_bytes(member: TarMember) -> bool:
    return member.kind in (TarKind.FILE, TarKind.SPARSE)


def _padded(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _number(field: bytes) -> int | None:
    """Octal digits, or GNU's big-endian number behind a set high bit."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big") if field[0] == 0x80 else None
    text = field.partition(b"\0")[0].strip()
    if not text:
        return 0
    return int(text, 8) if all(digit in b"01234567" for digit in text) else None
