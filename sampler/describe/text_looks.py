"""A closer look at text whose first characters do not tell: its first line, its first statement, its header fields.

Every function answers a MIME type, or ``None`` where it is not that kind of text after all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sampler.describe.documents import is_mail
from sampler.describe.signatures import INTERPRETERS, Look

_INTERPRETER_LINE_MAX_BYTES: Final = 256
_PICTURE_WITHIN_BYTES: Final = 1024
_PAGE_WITHIN_BYTES: Final = 512
_HEADERS_WITHIN_BYTES: Final = 1024
_JAVA: Final = (b"java", b"taglib", b"request.getparameter")
_PAGES: Final = (b"<html", b"<head", b"<body", b"<!doctype html")
_VISUAL_BASIC: Final = re.compile(
    rb"(?i)(?:dim \w+[ \t]*(?:[,:(]|as |\r?$)|set \w+[ \t]*=|(?:function|sub) \w+[ \t]*\([^)]{0,200}\)[ \t]*\r?$)",
    re.M,
)
_POWERSHELL: Final = re.compile(rb"(?i)(?:param\s*\(|function [a-z]+-\w+)")


def xml(head: bytes) -> str | None:
    """A picture where that is what it holds."""
    return "image/svg+xml" if head.find(b"<svg", 0, _PICTURE_WITHIN_BYTES) >= 0 else "text/xml"


def comment(head: bytes) -> str | None:
    """Web pages that were saved begin with a comment."""
    text = head.lower()
    return "text/html" if any(mark in text for mark in _PAGES) else None


def server_page(head: bytes) -> str | None:
    """Java's pages import or name Java; the others are Microsoft's."""
    start = head[:_PAGE_WITHIN_BYTES].lower()
    return "text/x-jsp" if any(mark in start for mark in _JAVA) else "text/x-asp"


def mail(head: bytes) -> str | None:
    """Three header fields of mail near the start, or none."""
    return "message/rfc822" if is_mail(head[:_HEADERS_WITHIN_BYTES]) else None


def statement(head: bytes) -> str | None:
    """The first statement of VBScript or PowerShell."""
    if _VISUAL_BASIC.match(head):
        return "text/x-vbscript"
    return "text/x-powershell" if _POWERSHELL.match(head) else None


def interpreted(head: bytes) -> str | None:
    """By the program that the ``#!`` line names, if need be behind ``env``."""
    words = head[2:_INTERPRETER_LINE_MAX_BYTES].partition(b"\n")[0].split()
    names = (word.rpartition(b"/")[2] for word in words if not word.startswith(b"-") and b"=" not in word)
    name = next((name for name in names if name != b"env"), b"")
    return INTERPRETERS.get(name.rstrip(b"0123456789.-"))


TEXT_LOOKS: Final[Mapping[bytes, Look]] = {
    b"#!": interpreted,
    b"<?xml": xml,
    b"<!--": comment,
    b"<%": server_page,
    **dict.fromkeys((b"dim ", b"function ", b"sub ", b"set ", b"param"), statement),
}
"""Which look goes with which bytes of ``signatures.TEXT``; all others there are looked at as mail."""
