"""Where a PE keeps its signatures, and the digest that they sign.

Microsoft, "Windows Authenticode Portable Executable Signature Format" (2008), "Calculating the PE Image Hash"; "PE
Format", "The Attribute Certificate Table (Image Only)". Everything but the checksum, the row of the certificate table
and that table is hashed in the order of the file; that equals the order of the sections wherever a linker or a signing
tool wrote the file. Page hashes are not looked at.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.describe.content_data import Data, read
from sampler.limits import MIB, SIGNATURE_MAX_BYTES, SIGNATURES_MAX_COUNT

_CHUNK_BYTES: Final = 1 * MIB
_CHECKSUM: Final = 64
"""Offset in the optional header."""
_ROWS_COUNT: Final = {0x10B: 92, 0x20B: 108}
"""Magic of the optional header, and the offset of ``NumberOfRvaAndSizes`` in it."""
_CERTIFICATE_ROW: Final = 4
_PKCS_SIGNED_DATA: Final = 2
_ALIGNMENT: Final = 8
_ENTRY: Final = struct.Struct("<IHH")


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """The three stretches that the digest leaves out."""

    checksum: int
    row: int
    """Of the certificate table, in the data directories."""
    table: int
    length: int
    """Of the table, as the row says; it may reach beyond the file."""


def signature_place(data: Data) -> SignaturePlace | None:
    """Where the certificate table is; ``None`` for what is no PE and for one that has none."""
    start = _number(data, 0x3C, "<I")
    if start is None or read(data, 0, 2) != b"MZ" or read(data, start, 4) != b"PE\0\0":
        return None
    optional = start + 24
    count_at = _ROWS_COUNT.get(_number(data, optional, "<H") or 0)
    if count_at is None or (_number(data, optional + count_at, "<I") or 0) <= _CERTIFICATE_ROW:
        return None
    row = optional + count_at + 4 + 8 * _CERTIFICATE_ROW
    table, length = _number(data, row, "<I"), _number(data, row + 4, "<I")
    return SignaturePlace(optional + _CHECKSUM, row, table, length) if table and length else None


def signatures_in(data: Data, place: SignaturePlace) -> Iterator[bytes]:
    """The PKCS #7 structures of the table, each as the file has it; none from the first entry on that is not inside.

    At most ``SIGNATURES_MAX_COUNT`` of at most ``SIGNATURE_MAX_BYTES`` each.
    """
    offset, end = place.table, min(place.table + place.length, len(data))
    for _ in range(SIGNATURES_MAX_COUNT):
        head = read(data, offset, _ENTRY.size)
        if len(head) < _ENTRY.size:
            return
        length, _, kind = _ENTRY.unpack(head)
        if not _ENTRY.size < length <= end - offset or length > SIGNATURE_MAX_BYTES:
            return
        if kind == _PKCS_SIGNED_DATA:
            yield read(data, offset + _ENTRY.size, length - _ENTRY.size)
        offset += length + -length % _ALIGNMENT


def image_digest(data: Data, place: SignaturePlace, algorithm: str) -> bytes:
    """The digest of the image by one of hashlib's algorithms."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    end = len(data)
    for start, stop in (
        (0, place.checksum),
        (place.checksum + 4, place.row),
        (place.row + 8, min(place.table, end)),
        (place.table + place.length, end),
    ):
        for offset in range(start, stop, _CHUNK_BYTES):
            digest.update(read(data, offset, min(_CHUNK_BYTES, stop - offset)))
    return digest.digest()


def _number(data: Data, offset: int, layout: str) -> int | None:
    raw = read(data, offset, struct.calcsize(layout))
    return int(struct.unpack(layout, raw)[0]) if len(raw) == struct.calcsize(layout) else None
