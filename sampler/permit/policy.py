"""The administrator's narrowing of what the owner agreed to. It can only take away."""

from __future__ import annotations

import fnmatch
import posixpath
from dataclasses import dataclass
from typing import Final

from sampler.limits import OBJECT_MAX_BYTES, WHOLE_MAX_BYTES
from sampler.model import ContentKind, Sampling, WholeSwitch

SAFE_KINDS: Final = frozenset({ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER, ContentKind.SCRIPT})
"""Unlikely to hold personal data. Everything else, known or not, counts as holding some."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may leave at most, whatever was accepted and asked for."""

    sampling_max: Sampling = Sampling.WHOLE
    whole: WholeSwitch = WholeSwitch.SAFE
    whole_max_bytes: int = WHOLE_MAX_BYTES
    exclude_paths: tuple[str, ...] = ()
    """Globs (``*`` also crosses ``/``); a folder stands for all that is in it. Nothing of what matches leaves."""

    def __post_init__(self) -> None:
        if not 0 < self.whole_max_bytes <= OBJECT_MAX_BYTES:
            raise ValueError(f"whole_max_bytes is 1 to {OBJECT_MAX_BYTES}, not {self.whole_max_bytes}")
        for pattern in self.exclude_paths:
            if not pattern or "\0" in pattern:
                raise ValueError(f"not a path pattern: {pattern!r}")

    def excluding(self, path: bytes | None) -> str | None:
        """The pattern that keeps a path here, or ``None``; ``..`` and doubled slashes do not get around it."""
        if path is None:
            return None
        text = path.decode("utf-8", "surrogateescape")
        spellings = (text, "/" + posixpath.normpath(text).lstrip("/"))
        return next((pattern for pattern in self.exclude_paths if _covers(pattern, spellings)), None)

    def lets_kind(self, kind: ContentKind) -> bool:
        """Whether bytes of this kind, whole or in part, may leave at all."""
        return self.whole is WholeSwitch.ALL or kind in SAFE_KINDS


def _covers(pattern: str, spellings: tuple[str, ...]) -> bool:
    below = pattern.rstrip("/") + "/*"
    return any(fnmatch.fnmatchcase(text, glob) for text in spellings for glob in (pattern, below))
