"""Snapshots that wait for a person: none makes room for another, each stays until somebody lets go of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final

from sampler.limits import RETAIN_ABOUT_MAX_BYTES
from sampler.retain.sealed_folder import Kept, SealedFolder
from sampler.runtime.key_ring import Keys

_SEAL_BYTES_PER_MIB: Final = 1024
"""More than sealing adds."""


class HoldStore:
    """Keeps snapshots that were not decided about yet. Blocking; several threads may use one store.

    Args:
        folder: of its own; made where there is none.
        keys: what files are encrypted with.
        max_bytes: of all files together; 0 keeps none.
        max_count: of files.
    """

    def __init__(self, folder: Path, keys: Keys, *, max_bytes: int, max_count: int) -> None:
        self._folder = SealedFolder(folder, keys)
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._lock = threading.Lock()

    def has_room(self, size: int) -> bool:
        """Whether a snapshot of so many bytes fits, with as much as may be known of it."""
        files = list(self._folder.files())
        used = sum(file.size for file in files) + _sealed_bytes(size + RETAIN_ABOUT_MAX_BYTES)
        return len(files) < self._max_count and used <= self._max_bytes

    def keep(self, event_id: str, about: bytes, size: int, chunks: Iterable[bytes]) -> bool:
        """Keep a snapshot, in place of one of the same object; false, and nothing is kept, where there is no room.

        Args:
            event_id: of the object.
            about: what is to be known of it later, at most ``RETAIN_ABOUT_MAX_BYTES``.
            size: of the snapshot, in bytes.
            chunks: its bytes.

        Raises:
            OSError: the disk does not take it; nothing of it is left.
        """
        with self._lock:
            if len(about) > RETAIN_ABOUT_MAX_BYTES or not (self._folder.holds(event_id) or self.has_room(size)):
                return False
            self._folder.write(event_id, about, chunks)
        return True

    @contextlib.contextmanager
    def opened(self, event_id: str) -> Iterator[Kept | None]:
        """A snapshot for reading, or ``None`` where it is not kept.

        Raises:
            SealError: it was changed or damaged.
            OSError: it cannot be read.
        """
        with self._folder.opened(event_id) as kept:
            yield kept

    def holds(self, event_id: str) -> bool:
        """Whether a snapshot of it is kept."""
        return self._folder.holds(event_id)

    def forget(self, event_id: str) -> None:
        """Let go of one snapshot."""
        self._folder.remove(event_id)

    def sweep(self, needed: Container[str]) -> int:
        """Let go of what is half written, or belongs to no object that waits; how many there were.

        Nothing may be kept meanwhile that ``needed`` does not know of yet.
        """
        with self._lock:
            orphans = [file for file in self._folder.files() if file.event_id is None or file.event_id not in needed]
            for file in orphans:
                file.path.unlink(missing_ok=True)
        return len(orphans)


def _sealed_bytes(size: int) -> int:
    return size + _SEAL_BYTES_PER_MIB * (size // 2**20 + 1)
