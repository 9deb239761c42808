"""Snapshots that are kept for a while: too old ones go, then the oldest until the rest fits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from sampler.limits import RETAIN_ABOUT_MAX_BYTES
from sampler.retain.sealed_folder import SUFFIX, Kept, SealedFolder
from sampler.runtime.key_ring import Keys


class RetainStore:
    """Keeps snapshots. Blocking; several threads may use one store.

    Args:
        folder: of its own; made where there is none.
        keys: what files are encrypted with.
        max_bytes: of all files together; 0 keeps none.
        seconds: how long one is kept.
    """

    def __init__(self, folder: Path, keys: Keys, *, max_bytes: int, seconds: float) -> None:
        self._folder = SealedFolder(folder, keys)
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._lock = threading.Lock()

    def keep(self, event_id: str, about: bytes, size: int, chunks: Iterable[bytes], now: datetime) -> bool:
        """Keep a snapshot; false where it is larger than everything that may be kept.

        Args:
            event_id: of the object.
            about: what is to be known of it later, at most ``RETAIN_ABOUT_MAX_BYTES``.
            size: of the snapshot, in bytes.
            chunks: its bytes.
            now: makes room first: what is too old goes, then the oldest.

        Raises:
            OSError: the disk does not take it; nothing of it is left.
        """
        if size + len(about) > self._max_bytes or len(about) > RETAIN_ABOUT_MAX_BYTES:
            return False
        with self._lock:  # so that nobody sweeps away what is being written
            self._sweep(now, room=size + len(about))
            self._folder.write(event_id, about, chunks)
        return True

    @contextlib.contextmanager
    def opened(self, event_id: str, now: datetime) -> Iterator[Kept | None]:
        """A snapshot for reading, or ``None`` where it is not kept, or no longer.

        Raises:
            SealError: it was changed or damaged.
            OSError: it cannot be read.
        """
        self.sweep(now)
        with self._folder.opened(event_id) as kept:
            yield kept

    def forget(self, event_id: str) -> None:
        """Let go of one snapshot."""
        self._folder.remove(event_id)

    def forget_all(self) -> int:
        """Let go of everything, for an owner who withdrew; how many there were."""
        files = list(self._folder.files())
        for file in files:
            file.path.unlink(missing_ok=True)
        return len(files)

    def used_bytes(self) -> int:
        """On disk."""
        return sum(file.size for file in self._folder.files())

    def sweep(self, now: datetime) -> None:
        """Let go of what is too old or half written, then of the oldest until the rest fits."""
        with self._lock:
            self._sweep(now, room=0)

    def _sweep(self, now: datetime, room: int) -> None:
        files = sorted(self._folder.files(), key=lambda file: file.written)
        used = sum(file.size for file in files)
        for file in files:
            is_strange = file.path.suffix != SUFFIX
            if is_strange or file.written + self._seconds <= now.timestamp() or used + room > self._max_bytes:
                file.path.unlink(missing_ok=True)
                used -= file.size
