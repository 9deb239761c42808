"""Text out of hostile bytes: names of sections and resources, strings of version information. Never raises."""

from __future__ import annotations

import codecs
from typing import Final

from sampler.limits import PART_NAME_MAX_CHARACTERS

_CUT: Final = "…"
_CODECS: Final = tuple(codecs.lookup(name) for name in ("utf-16-le", "unicode_escape"))
"""Python loads a codec's module on first use, and a sandboxed child can load nothing any more."""


def printable(raw: bytes | str, ceiling: int = PART_NAME_MAX_CHARACTERS) -> str:
    r"""Text of at most ``ceiling`` characters: trailing NULs dropped, what cannot be printed escaped as in ``\x1b``.

    Bytes are read as UTF-8; bytes that are not UTF-8 are escaped.
    """
    text = raw[: 4 * ceiling].decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    text = text[: 4 * ceiling].strip("\0")
    return shortened(text if text.isprintable() else "".join(map(_escaped, text)), ceiling)


def shortened(text: str, ceiling: int = PART_NAME_MAX_CHARACTERS) -> str:
    """The text itself, or its beginning and an ellipsis where it has more than ``ceiling`` characters."""
    return text if len(text) <= ceiling else text[: ceiling - len(_CUT)] + _CUT


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
