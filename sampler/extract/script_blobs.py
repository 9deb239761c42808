r"""Encoded bytes in program text: where they stand, and what they decode to.

Base64 (RFC 4648, sections 4 and 5), hexadecimal, ``\x41`` ``%41`` ``\u0041`` escapes, and lists of numbers. Long runs
are taken wherever they stand, short ones where the text decodes them. Each pattern takes time that grows with the text
and not faster: runs are atomic and begin where no run is.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import Inflater, chunks, unpack_stream
from sampler.extract.extraction import Data

DECODED_MIN_BYTES: Final = 8
CODES_MAX_COUNT: Final = 1_000_000
"""Numbers of one list."""
_HASH_DIGITS: Final = frozenset({32, 40, 56, 64, 96, 128})
"""Lengths of digests, which are no blobs."""
_SMALL: Final = b"abcdefghijklmnopqrstuvwxyz"
_CAPITAL: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RANGE: Final = re.compile(r"([0-9]{1,15})\+([0-9]{1,15})", re.ASCII)
_B64: Final = rb"[A-Za-z0-9+/_-]"
_NO_B64: Final = rb"(?<![A-Za-z0-9+/_-])"
_SHORT_B64: Final = rb"(" + _B64 + rb"{8,}+={0,2})"
_LAST_LINE: Final = rb"(?:%b{1,39}+={1,2}|(?:%b{4}){2,9}(?=['\"\r\n]|\Z))" % (_B64, _B64)
_LONG_B64: Final = rb"(%b{40,}+(?:\r?\n[ \t]{0,16}%b{40,}+)*+(?:\r?\n[ \t]{0,16}%b)?+={0,2})" % (_B64, _B64, _LAST_LINE)
_B64_CALL: Final = (
    rb"(?:b64decode|b64_decode|frombase64string|frombase64|base64_decode|decodebase64|decode64|atob|;base64,"
    rb"|base64\.decode)[^\n'\"A-Za-z0-9]{0,16}['\"]?"
)
_HEX_CALL: Final = rb"(?:unhexlify|fromhex|hex2bin|hextobytes)[^\n'\"A-Za-z0-9]{0,16}['\"]"
_CODE: Final = rb"(?:0x[0-9A-Fa-f]{1,2}|[0-9]{1,3})"
_GAP: Final = rb"[ \t\r\n]{0,8}"
_CHR: Final = rb"chr[wb]?\$?[ ]?\([ ]?[0-9]{1,3}[ ]?\)"
_NUMBER: Final = re.compile(rb"0[xX]([0-9A-Fa-f]{1,2})|([0-9]{1,3})")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_NOT_B64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))


@dataclass(frozen=True, slots=True)
class Blob:
    """A run of encoded bytes in a text."""

    encoding: str
    """``base64``, ``hex``, ``escapes`` or ``codes``: the name of its recipe step."""
    start: int
    """In letters."""
    end: int


def find_blobs(text: bytes) -> Iterator[Blob]:
    """Every run that decodes to something; of runs that overlap the first that was found."""
    taken = bytearray(len(text))
    for encoding, pattern, is_plausible in _PATTERNS:
        for found in pattern.finditer(text):
            start, end = found.span(1)
            if taken.find(1, start, end) < 0 and is_plausible(encoding, text[start:end]):
                taken[start:end] = b"\1" * (end - start)
                yield Blob(encoding, start, end)


def decode_blob(encoding: str, raw: bytes) -> bytes:
    """What a run makes; zeros, as of UTF-16, are no part of it. Never more bytes than it has itself."""
    return _DECODERS_OF[encoding](raw.replace(b"\0", b""))


def blob_step(encoding: str) -> Callable[[Data, str, int], bytes]:
    """The recipe step ``base64:OFFSET+LENGTH`` and its like."""

    def step(data: Data, argument: str, ceiling: int) -> bytes:
        made = decode_blob(encoding, _stretch(data, argument))
        if len(made) > ceiling:
            raise NotDerivable(f"{len(made)} bytes, at most {ceiling} are made")
        return made

    return step


def inflated_step(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``inflated:OFFSET+LENGTH``: Base64, and zlib (RFC 1950) or deflate (RFC 1951) inside of it."""
    made = inflate(decode_blob("base64", _stretch(data, argument)), ceiling)
    if made is None:
        raise NotDerivable(f"{argument}: nothing that is deflated")
    return made


def inflate(packed: bytes, ceiling: int) -> bytes | None:
    """What a deflated stream makes if it is one from its beginning to its end.

    Raises:
        NotUnpacked: ``too-large``.
    """
    has_header = len(packed) > 2 and packed[0] & 0x0F == 8 and int.from_bytes(packed[:2], "big") % 31 == 0
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS) if has_header else (-zlib.MAX_WBITS,):
        made = unpack_stream(Inflater(bits), chunks(packed, 0, len(packed)), ceiling)
        if made.fault is None and made.content and made.consumed == len(packed):
            return made.content
    return None


def _stretch(data: Data, argument: str) -> bytes:
    place = _RANGE.fullmatch(argument)
    if place is None or int(place[1]) + int(place[2]) > len(data):
        raise NotDerivable(f"no range of {len(data)} bytes: {argument!r}")
    return bytes(data[int(place[1]) : int(place[1]) + int(place[2])])


def _is_any(encoding: str, run: bytes) -> bool:
    return len(decode_blob(encoding, run)) >= DECODED_MIN_BYTES


def _is_wide(encoding: str, run: bytes) -> bool:
    """PowerShell takes UTF-16 and nothing else, and ``-e`` is an option of many programs."""
    made = decode_blob(encoding, run)
    return len(made) >= DECODED_MIN_BYTES and made[1::2].count(0) * 4 >= len(made)


def _is_no_digest(_encoding: str, run: bytes) -> bool:
    return len(run) not in _HASH_DIGITS


def _is_no_name(_encoding: str, run: bytes) -> bool:
    """Paths, identifiers and headings have few kinds of letters, or many separators."""
    kinds = (any(map(run.__contains__, group)) for group in (b"0123456789", _SMALL, _CAPITAL))
    plain = not (b"/" in run or b"+" in run) or not (b"-" in run or b"_" in run)
    return plain and all(kinds) and run.count(b"/") * 8 <= len(run) and run.count(b"_") * 8 <= len(run)


def _from_base64(raw: bytes) -> bytes:
    digits = raw.translate(_URL_SAFE, b"=").translate(None, _NOT_B64)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _from_hex(raw: bytes) -> bytes:
    digits = raw.translate(None, _NOT_HEX)
    return binascii.unhexlify(digits[: len(digits) - len(digits) % 2])


def _from_escapes(raw: bytes) -> bytes:
    r"""``\u`` and ``%u`` are 16 bits, little-endian, as programs in memory have them; of text the second is zero."""
    made = _from_hex(raw)
    if raw[1:2] not in (b"u", b"U"):
        return made
    swapped = bytearray(len(made) - len(made) % 2)
    swapped[::2], swapped[1::2] = made[1 : len(swapped) : 2], made[: len(swapped) : 2]
    return bytes(swapped)


def _from_codes(raw: bytes) -> bytes:
    """One byte a number; numbers beyond a byte make it no list of codes."""
    found = islice(_NUMBER.finditer(raw), CODES_MAX_COUNT)
    numbers = [int(number[1], 16) if number[1] else int(number[2]) for number in found]
    return bytes(numbers) if max(numbers, default=256) < 256 else b""


_DECODERS_OF: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "base64": _from_base64, "hex": _from_hex, "escapes": _from_escapes, "codes": _from_codes,
}  # fmt: skip

_PATTERNS: Final = (
    ("base64", re.compile(_B64_CALL + _SHORT_B64, re.IGNORECASE), _is_any),
    ("base64", re.compile(rb"[ \t]-e(?:nc?|ncodedc?\w{0,7})?[ \t]+['\"]?" + _SHORT_B64, re.IGNORECASE), _is_wide),
    ("base64", re.compile(_NO_B64 + _SHORT_B64 + rb"['\"]?[ \t]*\|[ \t]*(?:openssl[ ])?base64[ ]-+[dD]"), _is_any),
    ("hex", re.compile(_HEX_CALL + rb"([0-9A-Fa-f]{16,}+)", re.IGNORECASE), _is_any),
    ("hex", re.compile(rb"(?<![0-9A-Za-z])((?:[0-9A-Fa-f]{2}){40,}+)(?![0-9A-Za-z])"), _is_no_digest),
    ("base64", re.compile(_NO_B64 + _LONG_B64), _is_no_name),
    ("escapes", re.compile(rb"((?:\\x[0-9A-Fa-f]{2}){8,}+)"), _is_any),
    ("escapes", re.compile(rb"((?:\\u[0-9A-Fa-f]{4}){8,}+)"), _is_any),
    ("escapes", re.compile(rb"((?:%[0-9A-Fa-f]{2}){8,}+)"), _is_any),
    ("escapes", re.compile(rb"((?:%u[0-9A-Fa-f]{4}){8,}+)"), _is_any),
    (
        "codes",
        re.compile(rb"(?<![0-9A-Za-z.])((?:" + _CODE + _GAP + b"," + _GAP + rb"){15,}+" + _CODE + rb"?+)"),
        _is_any,
    ),
    (
        "codes",
        re.compile(
            rb"\b(" + _CHR + rb"(?:[ \t]{0,8}[&+.][ \t]{0,8}(?:_\r?\n[ \t]{0,16})?" + _CHR + rb"){7,}+)", re.IGNORECASE
        ),
        _is_any,
    ),
)
"""Encoding, where a run of it stands, and whether it is one: the telling places before the others."""
