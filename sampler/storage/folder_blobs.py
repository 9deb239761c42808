"""The queue's contents in a folder, each once under its SHA-256.

::

    contents/ab/<sha256>   verified contents, mode 0400
    uploads/<uuid>         bytes of uploads that are under way, mode 0600

Invariants: a file below ``contents`` is complete, verified and synced, and so is its name; a file below ``uploads`` is
worth what the ledger acknowledged of it: bytes behind that offset are cut off before anything is appended, and when
there are fewer than that (a restored copy, say) the upload stands at their end. Names come from the ledger or are held
to a pattern; none is ever built from what a peer sent. It keeps ``reserve_bytes`` of the disk free, so that the ledger
can still write when the contents have filled everything else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sampler.errors import ContentMismatch, NotFound, SamplerError, StorageError, StorageFull
from sampler.limits import COPY_CHUNK_BYTES
from sampler.runtime.durable import make_private_folder, sync_folder

_UPLOAD = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASHED_MAX_COUNT = 64
_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)


class FolderBlobs:
    """``queue.Blobs`` in a folder; safe to use from several threads, one at a time for each upload."""

    shared = False

    def __init__(self, folder: Path, *, reserve_bytes: int = 0) -> None:
        with _our_errors(folder):
            make_private_folder(folder)
            self._contents = make_private_folder(folder / "contents")
            self._uploads = make_private_folder(folder / "uploads")
        self.folder = folder
        self._reserve_bytes = reserve_bytes
        self._hashed: dict[str, tuple[str, int]] = {}
        """Of uploads that came in one go: what was hashed while it was written."""

    def open_partial(self, upload_id: str, offset: int) -> FolderPartial:
        """An upload to append to; it stands at ``offset``, or at its end when it has fewer bytes.

        Raises:
            StorageFull: there is no room for its name.
        """
        path = self._partial(upload_id)
        self._hashed.pop(upload_id, None)
        with _our_errors(path):
            return FolderPartial(self, path, offset)

    def partial_size(self, upload_id: str) -> int:
        """How many bytes of an upload there are; 0 when there is none."""
        with contextlib.suppress(FileNotFoundError), _our_errors(self._uploads):
            return self._partial(upload_id).stat().st_size
        return 0

    def partials(self) -> tuple[str, ...]:
        """The identifiers of all uploads that have bytes."""
        with _our_errors(self._uploads):
            return tuple(sorted(entry.name for entry in os.scandir(self._uploads) if _UPLOAD.fullmatch(entry.name)))

    def finish(self, upload_id: str, sha256: str, size: int) -> None:
        """Verify an upload and make it a content, durably; when that is there already, only the upload goes.

        Its bytes are looked at in either case: whoever names a content has not shown yet that it has it.

        Raises:
            ContentMismatch: its bytes are others; they are gone.
            NotFound: neither the upload nor the content is there.
            StorageFull: there is no room for a folder entry; the upload stays.
        """
        path = self._partial(upload_id)
        try:
            with _our_errors(path):
                found = self._hashed.pop(upload_id, None) or _hash_and_size(path)
                known = self.has(sha256)
                if found == (sha256, size) and not known:
                    self._keep(path, self._content(sha256))
                    return
        except FileNotFoundError as error:
            if self.has(sha256):
                return
            raise NotFound(f"upload {upload_id} was ended meanwhile; begin it anew") from error
        self.discard(upload_id)
        if found != (sha256, size):
            raise ContentMismatch(f"{found[1]} bytes with SHA-256 {found[0]} came for {sha256}; begin the upload anew")

    def put(self, upload_id: str, sha256: str, data: bytes) -> None:
        """Make bytes that are known to have this hash a content, durably.

        Raises:
            StorageFull: there is no room; nothing of it stays.
        """
        if self.has(sha256):
            return
        path, content = self._partial(upload_id), self._content(sha256)
        try:
            with _our_errors(path):
                make_private_folder(content.parent)
                _write_new(path, data)
                path.rename(content)
                sync_folder(content.parent)
        except SamplerError:
            path.unlink(missing_ok=True)
            raise

    def discard(self, upload_id: str) -> None:
        """Throw an upload's bytes away, if there are any."""
        self._hashed.pop(upload_id, None)
        with _our_errors(self._uploads):
            self._partial(upload_id).unlink(missing_ok=True)

    def has(self, sha256: str) -> bool:
        """Whether the content is there; when it is, its name is durable."""
        path = self._content(sha256)
        if not path.exists():
            return False
        with _our_errors(path):
            sync_folder(path.parent)
        return True

    def open_content(self, sha256: str) -> BinaryIO:
        """A verified content for reading.

        Raises:
            NotFound: it is not there.
        """
        try:
            with _our_errors(self._contents):
                return self._content(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"no content {sha256}") from error

    def destroy(self, sha256: str) -> None:
        """Remove a content, durably, and look that it is gone; nothing when there is none.

        Raises:
            StorageError: it is still there.
        """
        path = self._content(sha256)
        with _our_errors(path):
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)
            if os.path.lexists(path):
                raise StorageError(f"{path}: is still there after it was removed; look at the disk and its rights")

    def check_room(self, size: int) -> None:
        """Whether ``size`` more bytes leave the reserve alone.

        Raises:
            StorageFull: they do not.
        """
        if size > self.free_bytes():
            raise StorageFull(
                f"{self.folder}: no room for {size} bytes above the reserve; nothing acknowledged is lost"
            )

    def free_bytes(self) -> int:
        """Bytes that may still be taken in before the reserve is touched; negative when it is touched."""
        with _our_errors(self.folder):
            return shutil.disk_usage(self.folder).free - self._reserve_bytes

    def note_hash(self, upload_id: str, sha256: str, size: int) -> None:
        """What all bytes of an upload hashed to while they were written, so that they need not be read again."""
        for oldest in list(self._hashed)[: 1 - _HASHED_MAX_COUNT]:
            self._hashed.pop(oldest, None)
        self._hashed[upload_id] = (sha256, size)

    def _keep(self, partial: Path, content: Path) -> None:
        make_private_folder(content.parent)
        partial.chmod(0o400)
        descriptor = os.open(partial, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.rename(content)
        sync_folder(content.parent)

    def _partial(self, upload_id: str) -> Path:
        if not _UPLOAD.fullmatch(upload_id):
            raise NotFound(f"no upload {upload_id!r}")
        return self._uploads / upload_id

    def _content(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise NotFound(f"no content {sha256!r}")
        return self._contents / sha256[:2] / sha256


class FolderPartial:
    """``queue.Partial`` as a file."""

    def __init__(self, blobs: FolderBlobs, path: Path, offset: int) -> None:
        self._blobs = blobs
        self._path = path
        new = not path.exists()
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
        self.offset = min(offset, os.fstat(self._file.fileno()).st_size)
        self._file.truncate(self.offset)
        self._hasher = None if self.offset else hashlib.sha256()
        if new:
            sync_folder(path.parent)

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            StorageFull: it would use up the reserve or the disk; ``offset`` stays, whatever was written behind it.
        """
        self._blobs.check_room(len(data))
        with _our_errors(self._path):
            view = memoryview(data)
            written = 0
            while written < len(view):
                written += os.pwrite(self._file.fileno(), view[written:], self.offset + written)
        self.offset += len(data)
        if self._hasher is not None:
            self._hasher.update(data)

    def sync(self) -> int:
        """Make durable what was written; the offset."""
        with _our_errors(self._path):
            os.fsync(self._file.fileno())
        return self.offset

    def rewind(self, offset: int) -> None:
        """Throw away, durably, what lies behind ``offset``."""
        with _our_errors(self._path):
            self._file.truncate(offset)
        if offset != self.offset:
            self._hasher = None
        self.offset = offset
        self.sync()

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        self._file.close()
        if self._hasher is not None:
            self._blobs.note_hash(self._path.name, self._hasher.hexdigest(), self.offset)
            self._hasher = None


def _write_new(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o400), "wb", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())


def _hash_and_size(path: Path) -> tuple[str, int]:
    hasher = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while data := file.read(COPY_CHUNK_BYTES):
            hasher.update(data)
            size += len(data)
    return hasher.hexdigest(), size


@contextlib.contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    """A missing file is a fact that callers look for; a full disk and whatever else the system says become ours."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise StorageFull(f"{path}: the disk is full; nothing that was acknowledged is lost") from error
        raise StorageError(f"{path}: {error.strerror}; look at the disk and its rights") from error
