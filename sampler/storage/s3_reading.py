"""A content in a bucket as an open file."""

from __future__ import annotations

import io

from sampler.errors import StorageError
from sampler.limits import CHUNK_MAX_BYTES
from sampler.storage.s3_objects import Objects


class S3Reading(io.RawIOBase):
    """A content as a file, read by ranges: one that is destroyed meanwhile cannot be read to its end."""

    def __init__(self, objects: Objects, key: str, size: int) -> None:
        self._objects = objects
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """Any place of it can be read first."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Where the next read begins."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readall(self) -> bytes:
        """The rest, in few requests.

        Raises:
            StorageError: the content is gone, or the store does not answer.
        """
        return b"".join(iter(lambda: self._next(CHUNK_MAX_BYTES), b""))

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # the buffer protocol has no name here
        """Fill a buffer, or as much of it as there is.

        Raises:
            StorageError: the content is gone, or the store does not answer.
        """
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        end = min(self._at + most, self._size)
        if self._at >= end:
            return b""
        try:
            data = self._objects.read(self._key, self._at, end)
        except FileNotFoundError as error:
            raise StorageError(f"{self._key}: was destroyed while it was read") from error
        self._at += len(data)
        return data
