"""Bodies of mail behind their transfer encodings (RFC 2045, 6.7 and 6.8), and uuencoded files in text (POSIX uuencode).

None makes more than it is given.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sampler.extract.extraction import Data
from sampler.extract.naming import printable

UUENCODED_MAX_COUNT: Final = 64
LINES_MAX_COUNT: Final = 1_000_000
"""Of one uuencoded file."""
_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_BEGIN: Final = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,256})\r?\n", re.MULTILINE)
_END: Final = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Uuencoded:
    """A file in a text: from its first line up to behind its last."""

    name: str
    start: int
    end: int


def uuencoded_in(data: Data, start: int, end: int) -> Iterator[Uuencoded]:
    """The files in a stretch of text, one behind the other."""
    for _ in range(UUENCODED_MAX_COUNT):
        begin = _BEGIN.search(data, start, end)
        if begin is None:
            return
        close = _END.search(data, begin.end(), end)
        start = close.end() if close else end
        yield Uuencoded(printable(begin[1]), begin.start(), start)


def _from_base64(raw: bytes) -> bytes:
    """Up to the first padding; what is not of the alphabet counts for nothing."""
    digits = raw.translate(None, _NOT_BASE64).partition(b"=")[0]
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _from_uu(raw: bytes) -> bytes:
    begin = _BEGIN.search(raw)
    lines = raw[begin.end() if begin else 0 :].split(b"\n", LINES_MAX_COUNT)
    close = (index for index, line in enumerate(lines) if line.strip() == b"end")
    return b"".join(_uu_line(line.rstrip(b"\r")) for line in islice(lines, next(close, len(lines))))


def _uu_line(line: bytes) -> bytes:
    """One line: its length and as many groups of four as that takes; lines of other programs are longer or shorter."""
    size = (line[0] - 0x20) & 0x3F if line else 0
    wanted = -(-size // 3) * 4
    try:
        return binascii.a2b_uu(line[:1] + line[1 : 1 + wanted].ljust(wanted)) if size else b""
    except binascii.Error:
        return b""


DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "base64": _from_base64,
    "quoted-printable": binascii.a2b_qp,
    "uuencode": _from_uu, "x-uuencode": _from_uu, "uue": _from_uu, "x-uue": _from_uu,
}  # fmt: skip
"""By the word of Content-Transfer-Encoding; a body with another word is as it stands."""
