"""Match windows: the bytes around string hits, merged where they overlap or touch. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sampler.extract.naming import shortened
from sampler.model import RuleMatch, StringHit


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the object with every hit in it: ``$a,$b``."""

    name: str
    offset: int
    length: int


def hits_of(matches: Iterable[RuleMatch]) -> list[StringHit]:
    """All kept hits, each once, in an order that does not depend on the order of the matches."""
    unique = {(hit.offset, hit.length, hit.identifier): hit for match in matches for hit in match.hits}
    return [unique[key] for key in sorted(unique)]


def windows_around(hits: Iterable[StringHit], context_bytes: int, size: int) -> list[Window]:
    """The windows around hits that are sorted by offset, clipped to an object of ``size`` bytes.

    No two windows overlap or touch; a hit outside the object, or one without bytes and context, has none.
    """
    windows: list[Window] = []
    names: set[str] = set()
    start, end = 0, -1
    for hit in hits:
        first = max(0, hit.offset - context_bytes)
        last = min(size, hit.offset + hit.length + context_bytes)
        if hit.offset >= size or last <= first:
            continue
        if first > end:
            windows += _closed(names, start, end)
            start, end, names = first, last, set()
        end = max(end, last)
        names.add(hit.identifier)
    return windows + _closed(names, start, end)


def _closed(names: set[str], start: int, end: int) -> list[Window]:
    return [Window(shortened(",".join(sorted(names))), start, end - start)] if end > start else []
