"""The ways in which one name is written: composed and decomposed accents, folded case, escaped for a URL."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

Words = tuple[str, ...]


@lru_cache(maxsize=8192)
def spellings(name: str) -> tuple[str, ...]:
    """Every way to write a name; its case is left to whoever looks for it, but for ``ß``, which has none."""
    return tuple(dict.fromkeys(_spellings(name)))


@lru_cache(maxsize=64)
def spelled(names: frozenset[str]) -> tuple[tuple[str, tuple[Words, ...]], ...]:
    """Each name with the words of each of its spellings, case-folded, to be looked for in a case-folded text."""
    return tuple((name, tuple(tuple(way.casefold().split()) for way in spellings(name))) for name in sorted(names))


def _spellings(name: str) -> Iterator[str]:
    for way in (name, name.casefold()):
        composed = unicodedata.normalize("NFC", way)
        yield from (way, composed, unicodedata.normalize("NFD", way))
        if not composed.isascii():
            yield quote(composed, safe=" ")
