"""Whether what an object is called fits what it is, and tricks that names play on people. Pure.

Facts under ``sampler.file.name.*``, no judgement: a name decides nothing here, it is only held against content that was
looked at before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from sampler.model import ContentKind, Field

_OWN: Final = "sampler.file.name"
_PROGRAMS: Final = (ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER)
_PROMISES: Final[tuple[tuple[frozenset[str], tuple[ContentKind, ...]], ...]] = tuple(
    (frozenset(extensions.split()), kinds)
    for extensions, kinds in (
        ("exe scr cpl dll ocx sys drv efi ax so ko dylib elf", _PROGRAMS),
        ("bat cmd ps1 psm1 psd1 vbs vbe js jse wsf wsh sh bash py pl rb php hta", (ContentKind.SCRIPT,)),
        (
            "pdf doc docx docm dot dotx dotm xls xlsx xlsm xlsb xlt xlam ppt pptx pptm pps ppsx rtf odt ods odp one",
            (ContentKind.DOCUMENT,),
        ),
        ("htm html xhtml", (ContentKind.DOCUMENT, ContentKind.SCRIPT)),
        ("eml msg mbox", (ContentKind.MAIL,)),
        ("png jpg jpeg gif bmp tif tiff webp ico svg heic avif psd", (ContentKind.IMAGE,)),
        ("zip rar 7z tar gz tgz bz2 tbz xz txz zst cab jar apk war deb rpm lzh arj ace cpio", (ContentKind.ARCHIVE,)),
        ("iso vhd vhdx vmdk vdi qcow2", (ContentKind.DISK,)),
    )
)
"""What extensions promise; those that are used for anything (``bin``, ``img``, ``dat``) are not among them."""
_TEXTUAL: Final = frozenset({"txt", "log", "csv", "md", "ini", "cfg", "conf", "json", "xml", "yaml", "yml"})
_DECOYS: Final = frozenset(
    {
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "odt", "txt", "csv", "jpg", "jpeg", "png", "gif",
        "bmp", "mp3", "mp4", "avi", "mov", "zip", "rar", "htm", "html", "eml",
    }
)  # fmt: skip
"""What a double extension pretends to be."""
_STARTERS: Final = frozenset(
    {
        "exe", "com", "scr", "cpl", "pif", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "wsh", "hta", "lnk",
        "msi", "jar", "desktop", "sh", "run", "appimage",
    }
)  # fmt: skip
"""What starts when it is opened."""
_DIRECTION: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = re.compile("[\u00ad\u115f\u1160\u180e\u200b-\u200d\u2060\u3164\ufeff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_GAP: Final = re.compile(r"\s{4,}\.?\S*\s*\Z")


def agreement_fields(path: bytes | None, kind: ContentKind, mime_type: str) -> tuple[Field, ...]:
    """What a name promises against what the content is; nothing for an object without a name.

    ``extension_agrees`` is absent where an extension promises nothing that could be held against the content.
    """
    name = posixpath.basename(path or b"").decode("utf-8", "replace")
    if not name:
        return ()
    agrees, tricks = _agrees(_extension(name), kind, mime_type), tuple(_tricks(name))
    pairs = ((f"{_OWN}.extension_agrees", agrees), (f"{_OWN}.tricks", tricks or None))
    return tuple(Field(field, value) for field, value in pairs if value is not None)


def _extension(name: str) -> str:
    """The extension as Windows would have it: what stands behind a name does not count."""
    return posixpath.splitext(name.rstrip(" ."))[1][1:].casefold()


def _agrees(extension: str, kind: ContentKind, mime_type: str) -> bool | None:
    if kind is ContentKind.EMPTY:
        return None
    if extension in _TEXTUAL:
        return mime_type.startswith("text/") or mime_type in ("application/json", "application/xml")
    promised = next((kinds for extensions, kinds in _PROMISES if extension in extensions), None)
    if promised is None:
        return None
    if kind is ContentKind.OTHER and ContentKind.SCRIPT in promised:
        return mime_type.startswith("text/")  # a script of three lines is not always known as one
    return kind in promised


def _tricks(name: str) -> Iterator[str]:
    stem, last = posixpath.splitext(name.rstrip(" ."))
    inner = posixpath.splitext(stem.rstrip(" ."))[1]
    if last[1:].casefold() in _STARTERS and inner[1:].casefold() in _DECOYS:
        yield "double-extension"
    if name != name.rstrip(" ."):
        yield "trailing-space-or-dot"
    for trick, pattern in (
        ("text-direction", _DIRECTION),
        ("invisible-character", _INVISIBLE),
        ("control-character", _CONTROL),
        ("gap-before-extension", _GAP),
    ):
        if pattern.search(name):
            yield trick
