"""A folder of sealed snapshots, one file an object: ``<event id>.sealed``, its age the file's."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sampler.errors import SealError
from sampler.limits import RETAIN_ABOUT_MAX_BYTES
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.runtime.sealed_file import SealedFile, sealed

_EVENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUFFIX: Final = ".sealed"
_LENGTH_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """One snapshot that is kept."""

    about: bytes
    """What was kept beside it."""
    size: int
    """Of the snapshot, in bytes."""
    read: Callable[[], Iterator[bytes]]
    """Its bytes in chunks; raises ``SealError`` where the file was changed."""


class RetainStore:
    """Keeps snapshots. Blocking; several threads may use one store.

    Args:
        folder: of its own; made where there is none.
        key: ``sealed_file.KEY_BYTES`` long.
        max_bytes: of all files together; 0 keeps none.
        seconds: how long one is kept.
    """

    def __init__(self, folder: Path, key: bytes, *, max_bytes: int, seconds: float) -> None:
        self._folder = make_private_folder(folder)
        self._key = key
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
            write_durably(self._path(event_id), sealed(self._key, _with_head(about, chunks)), mode=0o600)
        return True

    @contextlib.contextmanager
    def opened(self, event_id: str, now: datetime) -> Iterator[Kept | None]:
        """A snapshot for reading, or ``None`` where it is not kept, or no longer.

        Raises:
            SealError: it was changed or damaged.
            OSError: it cannot be read.
        """
        self.sweep(now)
        try:
            file = self._path(event_id).open("rb", buffering=0)
        except FileNotFoundError:
            yield None
            return
        with file:
            yield _kept(SealedFile(file, self._key))

    def forget(self, event_id: str) -> None:
        """Let go of one snapshot."""
        self._path(event_id).unlink(missing_ok=True)

    def forget_all(self) -> int:
        """Let go of everything, for an owner who withdrew; how many there were."""
        files = list(self._folder.iterdir())
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    def used_bytes(self) -> int:
        """On disk."""
        return sum(size for _, size, _ in self._files())

    def sweep(self, now: datetime) -> None:
        """Let go of what is too old or half written, then of the oldest until the rest fits."""
        with self._lock:
            self._sweep(now, room=0)

    def _sweep(self, now: datetime, room: int) -> None:
        files = sorted(self._files())
        used = sum(size for _, size, _ in files)
        for written, size, file in files:
            is_strange = file.suffix != _SUFFIX
            if is_strange or written + self._seconds <= now.timestamp() or used + room > self._max_bytes:
                file.unlink(missing_ok=True)
                used -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for file in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                stat = file.stat(follow_symlinks=False)
                yield stat.st_mtime, stat.st_size, file

    def _path(self, event_id: str) -> Path:
        if not _EVENT_ID.fullmatch(event_id):
            raise ValueError(f"not an event id: {event_id!r}")
        return self._folder / f"{event_id}{_SUFFIX}"


def _with_head(about: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield len(about).to_bytes(_LENGTH_BYTES, "big") + about
    yield from chunks


def _kept(opened: SealedFile) -> Kept:
    length = int.from_bytes(b"".join(opened.read(0, min(_LENGTH_BYTES, opened.size))), "big")
    if length > min(RETAIN_ABOUT_MAX_BYTES, opened.size - _LENGTH_BYTES):
        raise SealError("a kept snapshot does not have the form that it was written in")
    about = b"".join(opened.read(_LENGTH_BYTES, length))
    start = _LENGTH_BYTES + length
    size = opened.size - start
    return Kept(about, size, lambda: opened.read(start, size))
