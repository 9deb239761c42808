"""The rich header of a PE: which tools, in which builds, made how many of its objects.

Microsoft's linker writes it between the MS-DOS program and the PE header and documents it nowhere; described by
D. Pistelli ("Microsoft's Rich Signature", 2008). A list of pairs, exclusive-ored with a key that follows ``Rich``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Survey
from sampler.limits import KIB

SEARCHED_MAX_BYTES: Final = 64 * KIB
ENTRIES_MAX_COUNT: Final = 256
_START: Final = 0x80
"""Where the linker writes it."""
_MARK: Final = b"Rich"
_ENTRY: Final = struct.Struct("<HHI")


def add_rich_header(view: BoundedView, header: int, survey: Survey) -> None:
    """MD5 over the decoded header, and its entries.

    Args:
        view: the file.
        header: offset of the optional header, before which it lies.
        survey: takes the fields.
    """
    area = view[_START : min(header, SEARCHED_MAX_BYTES)]
    mark = area.find(_MARK)
    key = area[mark + 4 : mark + 8]
    if mark < 0 or mark % 4 or len(key) < 4:
        return
    clear = _decoded(area[:mark], key)
    digest = hashlib.md5(clear, usedforsecurity=False).hexdigest()
    survey.add_field("sampler.file.pe.rich_hash", digest)
    survey.add_field("sampler.file.pe.rich_header", tuple(_entries(clear)))


def _decoded(data: bytes, key: bytes) -> bytes:
    """Each four bytes exclusive-ored with the key."""
    repeated = int.from_bytes(key * (len(data) // 4), "little")
    return (int.from_bytes(data, "little") ^ repeated).to_bytes(len(data), "little")


def _entries(clear: bytes) -> Iterator[str]:
    """``product.build count`` behind ``DanS`` and three words that are zero."""
    if not clear.startswith(b"DanS"):
        return
    body = clear[16 : 16 + ENTRIES_MAX_COUNT * _ENTRY.size]
    for build, product, count in _ENTRY.iter_unpack(body[: len(body) // _ENTRY.size * _ENTRY.size]):
        yield f"{product}.{build} {count}"
