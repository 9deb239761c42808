"""What the rules said of a file that nobody flagged."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.model.examination import RuleMatch


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What tells one state of one file from others (stat(2)); times in nanoseconds since 1970 UTC."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """A whole scan of some bytes, without problems."""

    sha256: str
    """Lower-case hexadecimal, of all ``size`` bytes."""
    size: int
    mime_type: str
    matches: tuple[RuleMatch, ...] = ()
