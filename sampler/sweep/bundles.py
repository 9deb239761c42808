"""Small files of a sweep, read at once and looked at together.

An exchange with a child costs more than scanning a few kilobytes does. So small files are read here, whole and at one
moment, and several of them go to a child in one sealed copy; the bytes that were read are the bytes that are scanned.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field

from sampler import snapshot
from sampler.describe import owner_class
from sampler.examine import SweepRequest, read_whole
from sampler.limits import BUNDLE_MAX_BYTES, BUNDLE_MAX_COUNT
from sampler.model import Failure
from sampler.sweep.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file and its bytes, as they were at one moment."""

    path: bytes
    status: os.stat_result
    """Before and after the bytes were read."""
    content: bytes
    begun_ns: int

    @property
    def request(self) -> SweepRequest:
        """What a child is told of it."""
        return SweepRequest(len(self.content), self.path, owner_class(self.status.st_uid))


def read_small(path: bytes, begun_ns: int, *, max_bytes: int) -> SmallFile | Failure | None:
    """Read a file of at most ``max_bytes``; ``None`` if it is larger by now, or changed while it was read.

    Raises:
        OSError: it cannot be read.
    """
    opened = snapshot.open_own(path)
    if isinstance(opened, Failure):
        return opened
    try:
        size = opened.status.st_size
        if size > max_bytes:
            return None
        content = read_whole(opened.descriptor, size)
        after = os.fstat(opened.descriptor)
    finally:
        os.close(opened.descriptor)
    before = opened.status
    same = (size, before.st_mtime_ns, before.st_ctime_ns) == (len(content), after.st_mtime_ns, after.st_ctime_ns)
    return SmallFile(path, before, content, begun_ns) if same else None


@dataclass(slots=True)
class Bundle:
    """Small files that wait for a child, each with who waits for its outcome."""

    files: list[tuple[SmallFile, asyncio.Future[Outcome]]] = field(default_factory=list)
    size: int = 0

    def add(self, file: SmallFile) -> asyncio.Future[Outcome]:
        """Put a file in; its outcome will be known by the future."""
        waiter: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.files.append((file, waiter))
        self.size += len(file.content)
        return waiter

    @property
    def is_full(self) -> bool:
        """Whether it is worth a child's time, or holds all that one may."""
        return len(self.files) >= BUNDLE_MAX_COUNT or self.size >= BUNDLE_MAX_BYTES

    def fail(self, error: BaseException) -> None:
        """Tell who still waits that there will be no outcome."""
        for _, waiter in self.files:
            if isinstance(error, asyncio.CancelledError):
                waiter.cancel()
            elif not waiter.done():
                waiter.set_exception(error)
