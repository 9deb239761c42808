"""What an object is, by its first bytes and its first line: in microseconds, for every file that is looked at.

libmagic needs a thousand times as long; it is asked about the few objects that are taken. Names agree with libmagic's
wherever both know the format. Pure, and it never raises: heads are hostile bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from sampler.describe.binary_looks import BINARY_LOOKS
from sampler.describe.signatures import BINARY, EMPTY, INSIDE, PLAIN, TEXT, TEXT_BYTES, UNKNOWN, Look
from sampler.describe.text_looks import TEXT_LOOKS, mail
from sampler.limits import KIB

QUICK_TYPE_BYTES: Final = 4 * KIB
"""How much of an object decides."""

_Answer: TypeAlias = str | Look
_LOOKS: Final = {**BINARY_LOOKS, **TEXT_LOOKS}
_PDF_WITHIN_BYTES: Final = 256
_BLANKS: Final = b" \t\r\n"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def quick_type(head: bytes, size: int) -> str:
    """The MIME type of an object of ``size`` bytes that begins with ``head`` (``QUICK_TYPE_BYTES`` of it).

    ``text/plain`` is any text of no known kind; ``application/octet-stream`` is everything else.
    """
    if size == 0 or not head:
        return EMPTY
    for magic, answer in _BINARY.get(head[:2], ()):
        if head.startswith(magic):
            found = answer if isinstance(answer, str) else answer(head)
            if found:
                return found
    return _by_inside(head) or _as_text(head)


def _by_inside(head: bytes) -> str | None:
    for offset, mark, answer in _INSIDE:
        if head.startswith(mark, offset):
            found = answer if isinstance(answer, str) else answer(head)
            if found:
                return found
    return "application/pdf" if head.find(b"%PDF-", 0, _PDF_WITHIN_BYTES) >= 0 else None


def _as_text(head: bytes) -> str:
    if head.startswith(_UTF16_MARKS):
        return PLAIN
    text = head.removeprefix(_UTF8_MARK).lstrip(_BLANKS)
    start = text[:32].lower()
    for magic, answer in _TEXT.get(start[:2], ()):
        if start.startswith(magic):
            found = answer if isinstance(answer, str) else answer(text)
            if found:
                return found
    return UNKNOWN if head.translate(None, TEXT_BYTES) else PLAIN


def _dispatch(rows: Iterable[tuple[bytes, str]], look: Look) -> dict[bytes, tuple[tuple[bytes, _Answer], ...]]:
    """Rows by their first two bytes, the longest first; ``look`` is for those with no type and no look of their own."""
    found: dict[bytes, list[tuple[bytes, _Answer]]] = {}
    for magic, name in sorted(rows, key=lambda row: -len(row[0])):
        found.setdefault(magic[:2], []).append((magic, name or _LOOKS.get(magic, look)))
    return {key: tuple(group) for key, group in found.items()}


_BINARY: Final = _dispatch(BINARY, lambda _: None)
_TEXT: Final = _dispatch(TEXT, mail)
_INSIDE: Final[tuple[tuple[int, bytes, _Answer], ...]] = tuple(
    (offset, mark, name or _LOOKS[mark]) for offset, mark, name in INSIDE
)
