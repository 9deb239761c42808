"""Values of MIME header fields: a word and its parameters, continued and encoded ones too (RFC 2045, 2047, 2231).

Never raises; a charset that is not one of four is shown as it was written.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Mapping
from typing import Final

VALUE_MAX_BYTES: Final = 8 * 1024
PARAMETERS_MAX_COUNT: Final = 128
_WORD: Final = re.compile(rb"[^\s;,()<>@\"]{1,128}")
_PARAMETER: Final = re.compile(
    rb";[ \t]*([^\s=;\"*]{1,64})(?:\*([0-9]{1,3}))?(\*)?[ \t]*=[ \t]*"
    rb"(?:\"((?:[^\"\\]|\\.){0,2048}+)\"?|([^;\s]{0,2048}))",
    re.DOTALL,
)
_QUOTED: Final = re.compile(rb"\\(.)", re.DOTALL)
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_ENCODED_WORD: Final = re.compile(
    r"=\?([\w-]{1,40})(?:\*[\w-]*)?\?([BbQq])\?([^?]{0,1024})\?=(?:\s+(?==\?))?", re.ASCII
)
_CHARSETS: Final[Mapping[str, codecs.CodecInfo]] = {
    name: codecs.lookup(codec)
    for name, codec in (
        ("utf-8", "utf-8"), ("us-ascii", "latin-1"), ("iso-8859-1", "latin-1"), ("windows-1252", "cp1252"),
    )
}  # fmt: skip
"""Loaded here: a sandboxed child can load no codec any more."""


def parameters_of(value: bytes) -> tuple[str, dict[str, str]]:
    """The word that a field's value begins with, in lower case, and its parameters by lower-case names."""
    value = value[:VALUE_MAX_BYTES]
    word = _WORD.match(value.strip())
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for count, found in enumerate(_PARAMETER.finditer(value)):
        if count >= PARAMETERS_MAX_COUNT:
            break
        name = found[1].lower().decode("ascii", "replace")
        raw = _QUOTED.sub(rb"\1", found[4]) if found[4] is not None else found[5]
        if found[2] is None and found[3] is None:
            plain.setdefault(name, _decoded_words(raw.decode("utf-8", "surrogateescape")))
        else:
            pieces.setdefault(name, {}).setdefault(int(found[2] or 0), (raw, found[3] is not None))
    continued = {name: _joined(parts) for name, parts in pieces.items()}
    return word[0].lower().decode("ascii", "replace") if word else "", {**plain, **continued}


def _joined(pieces: Mapping[int, tuple[bytes, bool]]) -> str:
    """RFC 2231: pieces by their numbers, those with a star percent-encoded, the charset before the first."""
    charset, made = "utf-8", b""
    for number in sorted(pieces):
        raw, is_encoded = pieces[number]
        if is_encoded and number == 0 and raw.count(b"'") >= 2:
            name, _, raw = raw.split(b"'", 2)
            charset = name.decode("ascii", "replace")
        made += _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), raw) if is_encoded else raw
    return _text(made, charset)


def _decoded_words(text: str) -> str:
    return _ENCODED_WORD.sub(_decoded_word, text)


def _decoded_word(found: re.Match[str]) -> str:
    raw = found[3].encode("utf-8", "surrogateescape")
    if found[1].lower() not in _CHARSETS:
        return found[0]
    if found[2] in "Bb":
        try:
            return _text(binascii.a2b_base64(raw + b"=="), found[1])
        except binascii.Error:
            return found[0]
    return _text(binascii.a2b_qp(raw, header=True), found[1])


def _text(raw: bytes, charset: str) -> str:
    codec = _CHARSETS.get(charset.lower(), _CHARSETS["utf-8"])
    return codec.decode(raw, "replace")[0]
