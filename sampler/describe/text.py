"""Text out of hostile bytes, bounded and fit for JSON; and times as RFC 3339 writes them. Never raises."""

from __future__ import annotations

import codecs
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from sampler.limits import TEXT_MAX_CHARACTERS

_CUT: Final = "…"
_CODECS: Final = tuple(codecs.lookup(name) for name in ("utf-16-le", "utf-16-be", "unicode_escape"))
"""Python loads a codec's module on first use, and a sandboxed child can load nothing any more."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Without its zone, which is written as ``Z``."""
_UNPRINTABLE: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories: control, format (text direction among them), surrogate, private, unassigned, separators."""


def hostile_text(raw: bytes | str, ceiling: int = TEXT_MAX_CHARACTERS) -> str:
    r"""The text, at most ``ceiling`` characters of it, with what cannot be printed escaped as in ``\x1b``.

    Bytes are read as UTF-8 and escaped where they are not UTF-8.
    """
    if isinstance(raw, bytes):
        raw = raw[: 4 * ceiling].decode("utf-8", "backslashreplace")
    text = "".join(_escaped(character) for character in raw[: ceiling + 1])
    return text if len(text) <= ceiling else text[: ceiling - len(_CUT)] + _CUT


def rfc3339(seconds: float) -> str | None:
    """A time in seconds since 1970 as ``2026-11-24T23:06:00Z``; ``None`` for one that no calendar has."""
    try:
        return f"{(_EPOCH + timedelta(seconds=seconds // 1)).isoformat()}Z"
    except (OverflowError, ValueError):
        return None


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNPRINTABLE:
        return character.encode("unicode_escape").decode("ascii")
    return character
