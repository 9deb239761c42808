"""What a value must be to be written on the wire: bounded, finite, and text that UTF-8 can carry."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from sampler.limits import FIELD_VALUE_MAX_CHARACTERS, FIELDS_MAX_COUNT, TREATED_TEXT_MAX_CHARACTERS
from sampler.model import FieldValue

_LAST_WORD: Final = re.compile(r"[\w.~%-]{0,256}\Z")
_INTEGER_MAX: Final = 2**63 - 1
"""What every JSON reader keeps exact or as a 64-bit number."""


def bounded(value: FieldValue) -> FieldValue:
    """What of a value is treated at all: a text, or a list's texts together, cut to a length that can be looked at."""
    if isinstance(value, str):
        return cut(value, TREATED_TEXT_MAX_CHARACTERS)
    if isinstance(value, tuple):
        return tuple(_fitting(value[:FIELDS_MAX_COUNT]))
    return value


def writable(value: FieldValue) -> FieldValue | None:
    """A treated value as the wire takes it; ``None`` when it cannot be written at all."""
    if isinstance(value, str):
        return _writable_text(value)
    if isinstance(value, tuple):
        return tuple(_writable_text(text) for text in value[:FIELDS_MAX_COUNT])
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if abs(value) <= _INTEGER_MAX else None


def cut(text: str, characters: int) -> str:
    """At most so many characters; a word that the cut would leave half, and so unknowable, goes whole."""
    return text if len(text) <= characters else _LAST_WORD.sub("", text[: characters - 1]) + "…"


def _fitting(texts: tuple[str, ...]) -> Iterator[str]:
    """As many of the texts as fit together, the last of them cut."""
    room = TREATED_TEXT_MAX_CHARACTERS
    for text in texts:
        if room <= 0:
            return
        yield cut(text, room)
        room -= len(text)


def _writable_text(text: str) -> str:
    return cut(text.encode("utf-8", "backslashreplace").decode("utf-8"), FIELD_VALUE_MAX_CHARACTERS)
