"""A folder of sealed snapshots, one file an object: ``<event id>.sealed``. Which of them stay is others' to say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampler.errors import SealError
from sampler.limits import RETAIN_ABOUT_MAX_BYTES
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.runtime.key_ring import Keys
from sampler.runtime.sealed_file import SealedFile, sealed

SUFFIX: Final = ".sealed"
_EVENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the folder, whole or half written."""

    written: float
    """Seconds since 1970."""
    size: int
    path: Path

    @property
    def event_id(self) -> str | None:
        """Of the object; ``None`` for what is no sealed snapshot."""
        name = self.path.name.removesuffix(SUFFIX)
        return name if self.path.suffix == SUFFIX and _EVENT_ID.fullmatch(name) else None


class SealedFolder:
    """The files, each encrypted under one of ``keys`` and for its object. Blocking; made where there is none."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.path = make_private_folder(folder)
        self._keys = keys

    def write(self, event_id: str, about: bytes, chunks: Iterable[bytes]) -> None:
        """Make a snapshot durable, in place of one of the same object.

        Raises:
            OSError: the disk does not take it; nothing of it is left.
        """
        written = sealed(self._keys, _with_head(about, chunks), purpose=_purpose(event_id))
        write_durably(self._path(event_id), written, mode=0o600)

    @contextlib.contextmanager
    def opened(self, event_id: str) -> Iterator[Kept | None]:
        """A snapshot for reading, or ``None`` where there is none.

        Raises:
            SealError: it was changed or damaged.
            OSError: it cannot be read.
        """
        try:
            file = self._path(event_id).open("rb", buffering=0)
        except FileNotFoundError:
            yield None
            return
        with file:
            yield _kept(SealedFile(file, self._keys, purpose=_purpose(event_id), takes_first=True))

    def holds(self, event_id: str) -> bool:
        """Whether there is a file of it."""
        return self._path(event_id).exists()

    def remove(self, event_id: str) -> None:
        """Let go of one snapshot."""
        self._path(event_id).unlink(missing_ok=True)

    def files(self) -> Iterator[KeptFile]:
        """All that is there."""
        for file in self.path.iterdir():
            with contextlib.suppress(FileNotFoundError):
                stat = file.stat(follow_symlinks=False)
                yield KeptFile(stat.st_mtime, stat.st_size, file)

    def _path(self, event_id: str) -> Path:
        if not _EVENT_ID.fullmatch(event_id):
            raise ValueError(f"not an event id: {event_id!r}")
        return self.path / f"{event_id}{SUFFIX}"


def _purpose(event_id: str) -> bytes:
    return b"snapshot " + event_id.encode("ascii")


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
