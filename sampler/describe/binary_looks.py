"""A closer look at binary heads whose first bytes do not tell: a few reads at fixed places, never a parser.

Every function answers a MIME type, or ``None`` where it is not that format after all.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

from sampler.describe.signatures import TEXT_BYTES, UNKNOWN, Look

_ELF_TYPES: Final = {1: "application/x-object", 2: "application/x-executable", 4: "application/x-coredump"}
_ELF_SEGMENTS_MAX_COUNT: Final = 32
_PT_INTERP: Final = 3
_DOS_HEADER_MIN_BYTES: Final = 28
_FAT_IMAGES_END: Final = 20
_CLASS_VERSION_MIN: Final = 45
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_ZIP_LOCAL: Final = b"PK\x03\x04"
_ZIP_MEMBERS_MAX_COUNT: Final = 8
_JAR_MARK: Final = b"\xfe\xca"
"""The extra field that jar(1) gives the first member."""
_ZIP_FOLDERS: Final = {
    b"word": _OOXML + "wordprocessingml.document",
    b"xl": _OOXML + "spreadsheetml.sheet",
    b"ppt": _OOXML + "presentationml.presentation",
    b"visio": "application/vnd.ms-visio.drawing.main+xml",
}
_ZIP_FIRST: Final = {
    b"META-INF": "application/java-archive",
    b"AndroidManifest.xml": "application/vnd.android.package-archive",
}
_OOXML_FIRST: Final = (b"[Content_Types].xml", b"_rels", b"docProps", *_ZIP_FOLDERS)
_STORED_TYPE: Final = re.compile(rb"application/(?:vnd\.oasis\.opendocument\.|vnd\.sun\.xml\.|epub\+zip)[a-z.-]{0,40}")
_RIFF: Final = {
    b"WEBP": "image/webp", b"WAVE": "audio/x-wav", b"AVI ": "video/x-msvideo", b"ACON": "application/x-navi-animation",
}  # fmt: skip
_BRANDS: Final = {
    b"qt  ": "video/quicktime", b"M4A ": "audio/x-m4a", b"M4B ": "audio/mp4", b"M4V ": "video/x-m4v",
    b"heic": "image/heic", b"heix": "image/heic", b"hevc": "image/heic-sequence", b"mif1": "image/heif",
    b"msf1": "image/heif-sequence", b"avif": "image/avif", b"avis": "image/avif", b"jp2 ": "image/jp2",
}  # fmt: skip
_BRAND_FAMILIES: Final = {b"3gp": "video/3gpp", b"3g2": "video/3gpp2"}
_BMP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)
_PYTHON_3: Final = range(3000, 4000)
_PYTHON_2: Final = range(50428, 62212)
_CODE_OBJECT: Final = b"c"[0]
_REFERENCED: Final = 0x80
"""The bit of a marshalled object that may be referred to (CPython, marshal.c, FLAG_REF)."""


def elf(head: bytes) -> str | None:
    """By ``e_type``; a shared object that names an interpreter is a program (ELF-64, 2)."""
    if len(head) < 52:
        return None
    order = ">" if head[5] == 2 else "<"
    (kind,) = struct.unpack_from(order + "H", head, 16)
    if kind == 3:
        return "application/x-pie-executable" if _has_interpreter(head, order) else "application/x-sharedlib"
    return _ELF_TYPES.get(kind, UNKNOWN)


def _has_interpreter(head: bytes, order: str) -> bool:
    if head[4] == 2 and len(head) >= 64:
        (start,) = struct.unpack_from(order + "Q", head, 32)
        size, count = struct.unpack_from(order + "HH", head, 54)
    else:
        (start,) = struct.unpack_from(order + "I", head, 28)
        size, count = struct.unpack_from(order + "HH", head, 42)
    rows = range(start, min(start + size * min(count, _ELF_SEGMENTS_MAX_COUNT), len(head) - 3), size or 1)
    return any(struct.unpack_from(order + "I", head, row)[0] == _PT_INTERP for row in rows)


def dos(head: bytes) -> str | None:
    """Any DOS or Windows program; text is none, because the place of the new header, at 60, has zeros in a program."""
    return (
        "application/x-dosexec"
        if len(head) >= _DOS_HEADER_MIN_BYTES and head[2:64].translate(None, TEXT_BYTES)
        else None
    )


def cafebabe(head: bytes) -> str | None:
    """A Java class has a version (at least 45) where a universal binary has its few images."""
    if len(head) < 8:
        return None
    (number,) = struct.unpack_from(">I", head, 4)
    if 0 < number < _FAT_IMAGES_END:
        return "application/x-mach-binary"
    return "application/x-java-applet" if number & 0xFFFF >= _CLASS_VERSION_MIN else UNKNOWN


def fat64(head: bytes) -> str | None:
    """A universal binary with 64-bit offsets."""
    return (
        "application/x-mach-binary" if len(head) > 8 and 0 < head[7] < _FAT_IMAGES_END and not any(head[4:7]) else None
    )


def flash(head: bytes) -> str | None:
    """A version that Flash had."""
    return (
        "application/vnd.adobe.flash.movie" if len(head) > 8 and 0 < head[3] < 64 and head[3] not in b"\t\n\r" else None
    )


def zipped(head: bytes) -> str | None:
    """By the first member's name, as the packages' own specifications want it, then by the folders of the next ones."""
    first = _member(head, 0)
    if first == b"mimetype":
        stored = _STORED_TYPE.match(head, 38)
        return stored[0].decode() if stored else "application/zip"
    top = first.partition(b"/")[0]
    if top in _OOXML_FIRST:
        return _office(head)
    if head.startswith(_JAR_MARK, 30 + len(first)):
        return "application/java-archive"
    return _ZIP_FIRST.get(top, "application/zip")


def _member(head: bytes, place: int) -> bytes:
    length = int.from_bytes(head[place + 26 : place + 28], "little")
    return head[place + 30 : place + 30 + length]


def _office(head: bytes) -> str:
    place = 0
    for _ in range(_ZIP_MEMBERS_MAX_COUNT):
        found = _ZIP_FOLDERS.get(_member(head, place).partition(b"/")[0])
        if found:
            return found
        place = head.find(_ZIP_LOCAL, place + 30)
        if place < 0:
            break
    return "application/zip"


def riff(head: bytes) -> str | None:
    """By the form type."""
    return _RIFF.get(head[8:12])


def bitmap(head: bytes) -> str | None:
    """Windows bitmaps have a header of a known length."""
    return "image/bmp" if int.from_bytes(head[14:18], "little") in _BMP_HEADERS and len(head) >= 26 else None


def icon(head: bytes) -> str | None:
    """A directory of at least one picture whose reserved byte is zero; the same for pointers."""
    if len(head) < 22 or not 0 < head[4] < 128 or head[5] or head[9] or not any(head[14:18]):
        return None
    return "image/vnd.microsoft.icon" if head[2] == 1 else "image/x-win-bitmap"


def ogg(head: bytes) -> str | None:
    """Film where the first stream is film."""
    is_film = head[28:35] == b"\x80theora" or head[28:35] == b"fishead"
    return "video/ogg" if is_film else "audio/ogg"


def mpeg_audio(head: bytes) -> str | None:
    """A frame header with a bit rate and a sampling rate that exist (ISO 11172-3, 2.4.1.3)."""
    if len(head) < 4:
        return None
    return "audio/mpeg" if 0x10 <= head[2] < 0xF0 and head[2] & 0x0C != 0x0C else None


def matroska(head: bytes) -> str | None:
    """By the document type that the EBML header names."""
    start = head[:128]
    return "video/webm" if b"webm" in start else "video/x-matroska" if b"matroska" in start else UNKNOWN


def pcapng(head: bytes) -> str | None:
    """A section header block with its byte-order mark."""
    return "application/x-pcapng" if head[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d") else None


def arj(head: bytes) -> str | None:
    """A main header, whose file type is 2."""
    return "application/x-arj" if len(head) > 10 and head[10] == 2 else None


def lha(head: bytes) -> str | None:
    """``-lh5-`` and its like."""
    return "application/x-lzh-compressed" if head[6:7] == b"-" else None


def iso_media(head: bytes) -> str | None:
    """By the major brand."""
    brand = head[8:12]
    return _BRANDS.get(brand) or _BRAND_FAMILIES.get(brand[:3]) or "video/mp4"


def python_bytecode(head: bytes) -> str | None:
    """A known magic number, and a marshalled code object behind the header (8, 12 or 16 bytes, PEP 3147 and 552)."""
    number = int.from_bytes(head[:2], "little")
    places = (12, 16) if number in _PYTHON_3 else (8,) if number in _PYTHON_2 else ()
    is_code = any(len(head) > place and head[place] & ~_REFERENCED == _CODE_OBJECT for place in places)
    return "application/x-bytecode.python" if is_code else None


BINARY_LOOKS: Final[Mapping[bytes, Look]] = {
    b"\x7fELF": elf,
    b"MZ": dos,
    b"\xca\xfe\xba\xbe": cafebabe,
    b"\xca\xfe\xba\xbf": fat64,
    **dict.fromkeys((b"FWS", b"CWS", b"ZWS"), flash),
    b"PK\x03\x04": zipped,
    b"\x60\xea": arj,
    b"-lh": lha,
    b"RIFF": riff,
    b"BM": bitmap,
    **dict.fromkeys((b"\0\0\x01\0", b"\0\0\x02\0"), icon),
    b"OggS": ogg,
    **dict.fromkeys((b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"), mpeg_audio),
    b"\x1a\x45\xdf\xa3": matroska,
    b"ftyp": iso_media,
    b"\n\r\r\n": pcapng,
    b"\r\n": python_bytecode,
}
"""Which look goes with which bytes of ``signatures.BINARY`` and ``signatures.INSIDE``."""
