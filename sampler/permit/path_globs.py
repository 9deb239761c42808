"""Globs over paths: ``*`` also crosses ``/``, a folder stands for all that is in it, no spelling gets around them."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable


def covering(patterns: Iterable[str], path: bytes | None) -> str | None:
    """The first pattern that a path falls under, or ``None``; ``..`` and doubled slashes do not get around it."""
    if path is None:
        return None
    text = path.decode("utf-8", "surrogateescape")
    spellings = (text, "/" + posixpath.normpath(text).lstrip("/"))
    return next((pattern for pattern in patterns if _covers(pattern, spellings)), None)


def _covers(pattern: str, spellings: tuple[str, ...]) -> bool:
    below = pattern.rstrip("/") + "/*"
    return any(fnmatch.fnmatchcase(text, glob) for text in spellings for glob in (pattern, below))
