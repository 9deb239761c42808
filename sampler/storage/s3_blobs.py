"""The queue's contents in a bucket, each once under its SHA-256, for any number of servers.

::

    contents/ab/<sha256>                    verified contents
    uploads/<uuid>/<start>-<end>-<random>   pieces of uploads that are under way

Invariants: an object below ``contents`` appears whole and verified, or not at all; a piece below ``uploads`` is never
written again, so that any server can go on with an upload where another one ended. What was not acknowledged is cut off
before anything is appended. The bucket keeps no versions: a content that was destroyed would still be there.
"""

from __future__ import annotations

import io
import re
import secrets
from typing import BinaryIO, Final

from sampler.errors import ContentMismatch, NotFound, SettingsError, StorageError
from sampler.limits import CHUNK_MAX_BYTES
from sampler.storage.s3_objects import Objects
from sampler.storage.s3_partial import S3Partial, hash_and_size, pieces_of, stream_of
from sampler.storage.s3_parts import Piece, chain
from sampler.storage.s3_reading import S3Reading

_UPLOAD: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ROOMY_BYTES: Final = 1 << 60
"""What a bucket has room for, as far as anybody can say."""


class S3Blobs:
    """``queue.Blobs`` in a bucket; safe to use from several threads and processes, one at a time for each upload."""

    shared = True

    def __init__(self, url: str) -> None:
        """Open it, and see that it takes, gives and forgets an object.

        Raises:
            SettingsError: it is no URL of a bucket, or the bucket keeps versions.
            StorageError: it cannot be reached or used.
        """
        self._objects = Objects(url)
        key = f"probes/{secrets.token_hex(8)}"
        version = self._objects.put(key, b"sampler")
        self._objects.remove((key,))
        if version is not None:
            raise SettingsError(
                f"blobs {self._objects.name}: the bucket keeps versions of what is destroyed; switch off"
            )

    def open_partial(self, upload_id: str, offset: int) -> S3Partial:
        """An upload to append to; it stands at ``offset``, or at its end when it has fewer bytes."""
        return S3Partial(self._objects, _upload_key(upload_id), offset)

    def partial_size(self, upload_id: str) -> int:
        """How many bytes of an upload there are; 0 when there is none."""
        found = chain(pieces_of(self._objects, _upload_key(upload_id)))
        return found[-1].end if found else 0

    def partials(self) -> tuple[str, ...]:
        """The identifiers of all uploads that have bytes."""
        return tuple(sorted(name for name in self._objects.folders("uploads/") if _UPLOAD.fullmatch(name)))

    def finish(self, upload_id: str, sha256: str, size: int) -> None:
        """Verify an upload and make it a content, durably; when that is there already, only the upload goes.

        Its bytes are looked at in either case: whoever names a content has not shown yet that it has it.

        Raises:
            ContentMismatch: its bytes are others; they are gone.
            NotFound: neither the upload nor the content is there.
        """
        pieces = chain(pieces_of(self._objects, _upload_key(upload_id)))
        known = self.has(sha256)
        if not pieces and size and known:
            return
        if not pieces and size:
            raise NotFound(f"upload {upload_id} was ended meanwhile; begin it anew")
        try:
            found = hash_and_size(self._objects, pieces)
            if found == (sha256, size) and not known:
                self._keep(pieces, _content_key(sha256))
        except FileNotFoundError as error:
            raise NotFound(f"upload {upload_id} was ended meanwhile; begin it anew") from error
        self.discard(upload_id)
        if found != (sha256, size):
            raise ContentMismatch(f"{found[1]} bytes with SHA-256 {found[0]} came for {sha256}; begin the upload anew")

    def put(self, upload_id: str, sha256: str, data: bytes) -> None:
        """Make bytes that are known to have this hash a content, durably; an object is there whole or not at all."""
        if not self.has(sha256):
            self._objects.put(_content_key(sha256), data)

    def discard(self, upload_id: str) -> None:
        """Throw an upload's bytes away, if there are any."""
        self._objects.remove([key for key, _ in self._objects.listed(_upload_key(upload_id))])

    def has(self, sha256: str) -> bool:
        """Whether the content is there."""
        return self._objects.size(_content_key(sha256)) is not None

    def open_content(self, sha256: str) -> BinaryIO:
        """A verified content for reading.

        Raises:
            NotFound: it is not there.
        """
        key = _content_key(sha256)
        size = self._objects.size(key)
        if size is None:
            raise NotFound(f"no content {sha256}")
        return io.BufferedReader(S3Reading(self._objects, key, size), CHUNK_MAX_BYTES // 2)

    def destroy(self, sha256: str) -> None:
        """Remove a content, durably, and look that it is gone; nothing when there is none.

        Raises:
            StorageError: it is still there.
        """
        key = _content_key(sha256)
        self._objects.remove((key,))
        if self._objects.size(key) is not None:
            raise StorageError(f"{self._objects.name}/{key}: is still there after it was removed; look at the bucket")

    def check_room(self, size: int) -> None:
        """A bucket has no end that could be asked for; whether it takes something it says when it is given."""

    def free_bytes(self) -> int:
        """More than anybody brings."""
        return _ROOMY_BYTES

    def _keep(self, pieces: tuple[Piece, ...], content_key: str) -> None:
        """Make verified pieces a content: one is copied by the store itself, several are read once more."""
        if len(pieces) == 1:
            self._objects.copy(pieces[0].key, content_key)
        elif pieces:
            self._objects.put_stream(content_key, stream_of(self._objects, pieces))
        else:
            self._objects.put(content_key, b"")


def _upload_key(upload_id: str) -> str:
    if not _UPLOAD.fullmatch(upload_id):
        raise NotFound(f"no upload {upload_id!r}")
    return f"uploads/{upload_id}/"


def _content_key(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise NotFound(f"no content {sha256!r}")
    return f"contents/{sha256[:2]}/{sha256}"
