"""Content files: bytes under their SHA-256 in ``contents/ab/<sha256>.sealed``, mode 0600, whole or not there at all.

Each is encrypted (``runtime.sealed_file``) for the hash that it is named by, so that no other scanner deletes it,
nobody runs it, and none stands for another; what is half written is encrypted too. Which of them are still needed is
the ledger's to say; this module never decides it.
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

from sampler.errors import ContentLost, SealError, SealKeyMissing, SpoolError, SpoolFull
from sampler.model import Content
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.runtime.key_ring import Keys
from sampler.runtime.sealed_file import key_number, sealed
from sampler.spool.sealed_reader import open_sealed

Read: TypeAlias = Callable[[Content], Iterable[bytes]]
"""Yields a content's bytes: a stretch of the object's snapshot, or what was derived from it."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SUFFIX: Final = ".sealed"
_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ContentFolder:
    """The content files of one spool. Safe for several threads; reading needs nothing but the folder and its keys."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder = folder
        self._keys = keys
        self._shards = threading.Lock()

    def holds(self, sha256: str) -> bool:
        """Whether the file is there; it was whole when it was written."""
        return self._path(sha256).is_file()

    def can_give(self, content: Content) -> bool:
        """Whether the file is there with its key, has the right length, and ends truly; what lies before is not read.

        So bytes that come again replace a file that was cut off or exchanged, or whose key is lost.
        """
        try:
            with self.open(content.sha256) as file:
                return file.seek(0, os.SEEK_END) == content.size
        except SpoolError:
            return False

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
            chunks = sealed(self._keys, verified(content, read), purpose=_purpose(content.sha256))
            write_durably(path, chunks, mode=0o600)
        except OSError as error:
            raise _converted(error, f"content {content.sha256} could not be kept") from error
        except SealError as error:
            raise SpoolError(f"content {content.sha256} could not be kept: {error}") from error

    def open(self, sha256: str) -> BinaryIO:
        """Open for reading at any place; the caller closes it. What was changed is ``ContentLost`` when it is read.

        Raises:
            ContentLost: it is not there, or is no longer what was written.
            SpoolError: it cannot be read now.
        """
        path = self._path(sha256)
        try:
            return open_sealed(path, self._keys, _purpose(sha256))
        except SealKeyMissing as error:
            raise SpoolError(f"content {sha256} cannot be read from the spool: {error}") from error
        except SealError as error:
            raise ContentLost(
                f"content {sha256} cannot be read from the spool: {error}; flag its object again"
            ) from error
        except OSError as error:
            is_lost = isinstance(error, FileNotFoundError) and not path.with_suffix("").exists()
            what = ContentLost if is_lost else SpoolError
            raise what(
                f"content {sha256} cannot be read from the spool: {error.strerror}; flag its object again"
            ) from error

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
        """Every file below the folder, content or not, in the order of names."""
        for shard in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            yield from (path for path in sorted(shard.iterdir() if shard.is_dir() else ()) if not path.is_dir())

    def plain(self) -> Iterator[Path]:
        """Contents of a spool from before contents were encrypted: the bytes themselves, under their SHA-256."""
        return (path for path in self.names() if _SHA256.fullmatch(path.name))

    def keys_used(self) -> set[int]:
        """The numbers of the keys that files, whole or half written, are encrypted with."""
        return {number for path in self.names() if (number := key_number(path)) is not None}

    def sweep(self, needed: Container[str]) -> tuple[str, ...]:
        """Remove what is no needed content: orphans, temporary files of a crash; returns their names."""
        removed = []
        for path in self.names():
            if hash_of(path) not in needed:
                path.unlink(missing_ok=True)
                removed.append(path.name)
        return tuple(removed)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._folder / sha256[:2] / f"{sha256}{_SUFFIX}"


def hash_of(path: Path) -> str | None:
    """The SHA-256 of the content that a file is, encrypted or from before; ``None`` for what is no content."""
    name = path.name.removesuffix(_SUFFIX)
    return name if _SHA256.fullmatch(name) else None


def verified(content: Content, read: Read) -> Iterator[bytes]:
    """The bytes of a content as they are read; at the end they were the right ones, or it raises.

    Raises:
        ContentLost: they have another length or hash.
    """
    digest = hashlib.sha256()
    size = 0
    for chunk in read(content):
        size += len(chunk)
        if size > content.size:
            break
        digest.update(chunk)
        yield chunk
    if size != content.size or digest.hexdigest() != content.sha256:
        raise ContentLost(
            f"the bytes at {content.offset} are not content {content.sha256} of {content.size} bytes; nothing of "
            "it was kept, flag the object again"
        )


def _purpose(sha256: str) -> bytes:
    return b"content " + sha256.encode("ascii")


def _converted(error: OSError, what: str) -> SpoolError:
    if error.errno in _FULL_ERRNOS:
        return SpoolFull(f"{what}: {error.strerror}; make room on the disk and flag the object again")
    return SpoolError(f"{what}: {error}")
