"""Whether content is a document or mail, by structure: PDF, RTF, OLE, OOXML, ODF, EPUB, Internet messages."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from sampler.describe.content_data import READ_MAX_BYTES, Data, read
from sampler.limits import KIB
from sampler.model import ContentKind

_PDF_WITHIN_BYTES: Final = 1 * KIB
"""Readers accept the header anywhere in here (PDF 1.7, Annex H.3.4.1)."""

_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_WITHIN_BYTES: Final = 1024 * KIB
_OUTLOOK_STREAM: Final = "__substg1.0_".encode("utf-16-le")
"""How the streams of a message begin (MS-OXMSG 2.2)."""

_ZIP_MAGIC: Final = b"PK\x03\x04"
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_WITHIN_BYTES: Final = 64 * KIB + 22
_ZIP_ROW: Final = struct.Struct("<4s24xHHH12x")
_ZIP_ROWS_MAX_COUNT: Final = 20_000
_OFFICE_MEMBER: Final = b"[Content_Types].xml"
_DOCUMENT_TYPES: Final = (b"application/vnd.oasis.opendocument", b"application/epub+zip", b"application/vnd.sun.xml")

_HEADERS_WITHIN_BYTES: Final = 8 * KIB
_MAIL_HEADER: Final = re.compile(
    rb"^(return-path|received|delivered-to|from|to|cc|subject|date|message-id|mime-version|reply-to|x-[\w-]+):[ \t]",
    re.IGNORECASE,
)
_ANY_HEADER: Final = re.compile(rb"^(?:[!-9;-~]+:|[ \t])")
_MAIL_HEADERS_MIN_COUNT: Final = 3


def document_kind(data: Data) -> ContentKind | None:
    """``DOCUMENT`` or ``MAIL``, or ``None`` when it is neither."""
    head = read(data, 0, _HEADERS_WITHIN_BYTES)
    if b"%PDF-" in head[:_PDF_WITHIN_BYTES] or head.startswith(rb"{\rt"):
        return ContentKind.DOCUMENT
    if head.startswith(_OLE_MAGIC):
        return ContentKind.MAIL if _OUTLOOK_STREAM in read(data, 0, _OLE_WITHIN_BYTES) else ContentKind.DOCUMENT
    if head.startswith(_ZIP_MAGIC):
        return ContentKind.DOCUMENT if _is_zipped_document(data, head) else None
    return ContentKind.MAIL if is_mail(head) else None


def _is_zipped_document(data: Data, head: bytes) -> bool:
    """OOXML has ``[Content_Types].xml``; ODF and EPUB begin with a stored member that names their type."""
    if head[30:38] == b"mimetype" and head[38:].startswith(_DOCUMENT_TYPES):
        return True
    return head[30 : 30 + len(_OFFICE_MEMBER)] == _OFFICE_MEMBER or _OFFICE_MEMBER in _member_names(data)


def _member_names(data: Data) -> Iterator[bytes]:
    """Names in the central directory (APPNOTE 4.3.12), as far as it can be read."""
    tail_start = max(0, len(data) - _ZIP_END_WITHIN_BYTES)
    tail = read(data, tail_start, _ZIP_END_WITHIN_BYTES)
    end = tail.rfind(_ZIP_END)
    if end < 0 or len(tail) < end + 20:
        return
    size, offset = struct.unpack_from("<II", tail, end + 12)
    directory, place = read(data, offset, min(size, READ_MAX_BYTES)), 0
    for _ in range(_ZIP_ROWS_MAX_COUNT):
        if place + _ZIP_ROW.size > len(directory):
            return
        magic, name, extra, comment = _ZIP_ROW.unpack_from(directory, place)
        if magic != b"PK\x01\x02":
            return
        yield directory[place + 46 : place + 46 + name]
        place += 46 + name + extra + comment


def is_mail(head: bytes) -> bool:
    """Whether it begins with header fields (RFC 5322, 2.2) and at least three of them are those of mail."""
    found = set()
    for line in head.removeprefix(b"\xef\xbb\xbf").splitlines()[:-1]:
        if not line:
            break
        if header := _MAIL_HEADER.match(line):
            found.add(header[1].lower())
        elif not (_ANY_HEADER.match(line) or line.startswith(b"From ")):
            return False
    return len(found) >= _MAIL_HEADERS_MIN_COUNT
