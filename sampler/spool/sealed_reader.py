"""A sealed content as an ordinary binary file that can seek: whoever sends it knows nothing of encryption."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sampler.errors import ContentLost, SealError
from sampler.runtime.key_ring import Keys
from sampler.runtime.sealed_file import CHUNK_BYTES, SealedFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def open_sealed(path: Path, keys: Keys, purpose: bytes) -> BinaryIO:
    """The plain text of a sealed file, checked chunk by chunk as it is read; the caller closes it.

    Raises:
        OSError: it cannot be opened.
        SealKeyMissing: its key is not there.
        SealError: it is no sealed file.
    """
    file = io.FileIO(path, "rb", opener=_open_no_link)
    try:
        return io.BufferedReader(_Reader(file, SealedFile(file, keys, purpose=purpose)), CHUNK_BYTES)
    except BaseException:
        file.close()
        raise


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


class _Reader(io.RawIOBase):
    """Reads at a position. Whatever was changed raises ``ContentLost``, and none of it is returned."""

    def __init__(self, file: io.FileIO, opened: SealedFile) -> None:
        self._file = file
        self._opened = opened
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._opened.size}[whence]
        if start + offset < 0:
            raise ValueError(f"there is no byte {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        length = min(len(view), max(self._opened.size - self._position, 0))
        filled = 0
        try:
            for chunk in self._opened.read(self._position, length) if length else ():
                view[filled : filled + len(chunk)] = chunk
                filled += len(chunk)
        except SealError as error:
            raise ContentLost(f"a content of the spool was changed: {error}; flag its object again") from error
        self._position += filled
        return filled

    def close(self) -> None:
        self._file.close()
        super().close()
