"""The code signature of a Mach-O image: who signed as what, and the hash that names the code (Apple, ``cs_blobs.h``).

All of it is big-endian, whatever the image is. Nothing is verified here. Never raises.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import SLICE_MAX_BYTES
from sampler.extract.listing import listed
from sampler.extract.macho_tables import MachImage, unpack
from sampler.extract.macho_words import SIGNATURE_FLAGS, named_flags
from sampler.extract.naming import printable
from sampler.limits import KIB

BLOBS_MAX_COUNT: Final = 32
DIRECTORIES_MAX_COUNT: Final = 4
"""Code directories that are hashed; signing tools write one or two."""
ENTITLEMENTS_MAX_BYTES: Final = 64 * KIB
_IDENTIFIER_MAX_BYTES: Final = 256
_LINK_EDIT: Final = 0x1D
"""LC_CODE_SIGNATURE."""

_SUPER_BLOB: Final = 0xFADE0CC0
_CODE_DIRECTORY: Final = 0xFADE0C02
_CMS: Final = 0xFADE0B01
_ENTITLEMENTS: Final = 0xFADE7171
_EMPTY_CMS_BYTES: Final = 8
_DIRECTORY: Final = ">9I4BI"
"""Magic, length, version, flags, hash offset, identifier offset, slots, slots, limit, hash size, hash type, …"""
_TEAM_FROM_VERSION: Final = 0x20200
_TEAM_AT: Final = 48
_HASHES: Final = {1: "sha1", 2: "sha256", 3: "sha256", 4: "sha384"}
_CODE_HASH_BYTES: Final = 20
"""A code directory is known by so many bytes of its hash, whatever the hash is."""
_KEY: Final = re.compile(rb"<key>([^<]{1,128})</key>")


@dataclass(frozen=True, slots=True)
class CodeSignature:
    """What a signature says."""

    identifier: str = ""
    team: str = ""
    flags: tuple[str, ...] = ()
    code_hashes: tuple[str, ...] = ()
    """One for each code directory, the first of them first, in hex."""
    certified: bool = False
    """Whether a signer's CMS is there: an ad-hoc signature has none."""
    entitlements: tuple[str, ...] = ()
    """Their keys."""


def find_signature(image: MachImage) -> tuple[int, int] | None:
    """Offset and length, in bytes of the image, that ``LC_CODE_SIGNATURE`` names; ``None`` where there is none."""
    command = image.first(_LINK_EDIT)
    fields = image.fields(command, "II") if command else ()
    return (fields[0], fields[1]) if fields and fields[1] else None


def read_signature(image: MachImage, offset: int, length: int) -> CodeSignature:
    """What lies there says; empty where it says nothing that can be read."""
    blobs = list(_blobs(image.view[offset : offset + min(length, SLICE_MAX_BYTES)]))
    directories = [blob for magic, blob in blobs if magic == _CODE_DIRECTORY]
    entitlements = next((blob for magic, blob in blobs if magic == _ENTITLEMENTS), b"")
    head = unpack(directories[0], 0, _DIRECTORY) if directories else ()
    return CodeSignature(
        identifier=_text_at(directories[0], head[5]) if head else "",
        team=_team_of(directories[0], head[2]) if head else "",
        flags=named_flags(head[3], SIGNATURE_FLAGS) if head else (),
        code_hashes=tuple(filter(None, map(_code_hash, directories[:DIRECTORIES_MAX_COUNT]))),
        certified=any(magic == _CMS and len(blob) > _EMPTY_CMS_BYTES for magic, blob in blobs),
        entitlements=listed(sorted(set(_KEY.findall(entitlements[:ENTITLEMENTS_MAX_BYTES])))),
    )


def _blobs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Magic and bytes of what an embedded signature consists of."""
    head = unpack(data, 0, ">III")
    if not head or head[0] != _SUPER_BLOB:
        return
    for index in range(min(head[2], BLOBS_MAX_COUNT)):
        row = unpack(data, 12 + 8 * index, ">II")
        blob = unpack(data, row[1], ">II") if row else ()
        if blob and row[1] + blob[1] <= len(data):
            yield blob[0], data[row[1] : row[1] + blob[1]]


def _team_of(directory: bytes, version: int) -> str:
    offset = unpack(directory, _TEAM_AT, ">I") if version >= _TEAM_FROM_VERSION else ()
    return _text_at(directory, offset[0]) if offset and offset[0] else ""


def _text_at(directory: bytes, offset: int) -> str:
    return printable(directory[offset : offset + _IDENTIFIER_MAX_BYTES].partition(b"\0")[0])


def _code_hash(directory: bytes) -> str:
    head = unpack(directory, 0, _DIRECTORY)
    name = _HASHES.get(head[10]) if head else None
    if name is None:
        return ""
    return hashlib.new(name, directory, usedforsecurity=False).digest()[:_CODE_HASH_BYTES].hex()
