"""Which of the files below a folder are wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from sampler.walk.globs import Globs


@dataclass(frozen=True, slots=True)
class Selection:
    """What a walk yields; all of it holds for what is given by name as well, as with clamscan and grep.

    ``ValueError`` on construction: a pattern or a size that cannot be.
    """

    include: tuple[str, ...] = ()
    """Globs (see ``walk.globs``); where there are any, a file has to be named by one. Folders are entered anyway."""
    exclude: tuple[str, ...] = ()
    """Globs; what one names is left out, and a folder is not entered. They outweigh ``include``."""
    min_bytes: int = 0
    max_bytes: int | None = None
    newer_than_ns: int | None = None
    """Only what changed after this (nanoseconds since 1970 UTC). The change of the inode counts as well as that of the
    content (st_ctime, st_mtime), because anybody can set the latter back."""
    _include: Globs = field(init=False, repr=False, compare=False)
    _exclude: Globs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.min_bytes < 0 or (self.max_bytes is not None and self.max_bytes < self.min_bytes):
            raise ValueError(f"no file has from {self.min_bytes} to {self.max_bytes} bytes")
        object.__setattr__(self, "_include", Globs.of(self.include))
        object.__setattr__(self, "_exclude", Globs.of(self.exclude))

    def wants(self, path: bytes, status: os.stat_result) -> bool:
        """Whether a file is wanted."""
        if not self.min_bytes <= status.st_size or (self.max_bytes is not None and status.st_size > self.max_bytes):
            return False
        if self.newer_than_ns is not None and max(status.st_mtime_ns, status.st_ctime_ns) <= self.newer_than_ns:
            return False
        return self._is_named(path)

    def enters(self, folder: bytes) -> bool:
        """Whether anything below a folder may be wanted."""
        return not self.exclude or not self._exclude.hold_for_folder(folder)

    def _is_named(self, path: bytes) -> bool:
        if self.exclude and self._exclude.hold_for_file(path):
            return False
        return not self.include or self._include.hold_for_file(path)


EVERYTHING = Selection()
"""Every regular file."""
