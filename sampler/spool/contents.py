"""Content files: bytes under their SHA-256 in ``contents/ab/<sha256>``, mode 0600, whole or not there at all.

Which of them are still needed is the ledger's to say; this module never decides it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from sampler.errors import SpoolError, SpoolFull
from sampler.model import Content
from sampler.runtime.durable import make_private_folder, write_durably

Read: TypeAlias = Callable[[Content], Iterable[bytes]]
"""Yields a content's bytes: a stretch of the object's snapshot, or what was derived from it."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ContentFolder:
    """The content files of one spool. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = make_private_folder(folder)
        self._shards = threading.Lock()

    def holds(self, sha256: str) -> bool:
        """Whether the file is there; if so it is whole."""
        return self._path(sha256).is_file()

    def write(self, content: Content, read: Read) -> None:
        """Make a content durable; its hash is verified while it is written.

        Raises:
            SpoolFull: there is no room on the disk.
            SpoolError: ``read`` yields other bytes than announced, or the disk fails. Nothing is left of it.
        """
        path = self._path(content.sha256)
        try:
            with self._shards:  # so that nobody writes into a shard whose own name is not durable yet
                make_private_folder(path.parent)
            write_durably(path, _verified(content, read), mode=0o600)
        except OSError as error:
            raise _converted(error, f"content {content.sha256} could not be kept") from error

    def open(self, sha256: str) -> BinaryIO:
        """Open for reading; the caller closes it.

        Raises:
            SpoolError: it is not there or cannot be read.
        """
        try:
            descriptor = os.open(self._path(sha256), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise SpoolError(
                f"content {sha256} cannot be read from the spool: {error}; flag its object again"
            ) from error
        return os.fdopen(descriptor, "rb", buffering=0)

    def remove(self, sha256: str) -> None:
        """Unlink; nothing when it is gone already.

        Raises:
            SpoolError: the disk fails; ``sweep`` will find the file again.
        """
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as error:
            raise SpoolError(f"content {sha256} could not be removed from the spool: {error}") from error

    def names(self) -> Iterator[Path]:
        """Every file below the folder, content or not."""
        return (path for path in self._folder.glob("*/*") if not path.is_dir())

    def sweep(self, needed: Container[str]) -> tuple[str, ...]:
        """Remove what is no needed content: orphans, temporary files of a crash; returns their names."""
        removed = []
        for path in sorted(self.names()):
            if path.name not in needed:
                path.unlink(missing_ok=True)
                removed.append(path.name)
        return tuple(removed)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._folder / sha256[:2] / sha256


def _verified(content: Content, read: Read) -> Iterator[bytes]:
    digest = hashlib.sha256()
    size = 0
    for chunk in read(content):
        size += len(chunk)
        if size > content.size:
            break
        digest.update(chunk)
        yield chunk
    if size != content.size or digest.hexdigest() != content.sha256:
        raise SpoolError(
            f"the bytes at {content.offset} are not content {content.sha256} of {content.size} bytes; nothing of "
            "it was kept, flag the object again"
        )


def _converted(error: OSError, what: str) -> SpoolError:
    if error.errno in _FULL_ERRNOS:
        return SpoolFull(f"{what}: {error.strerror}; make room on the disk and flag the object again")
    return SpoolError(f"{what}: {error}")
