"""The file that the journal is written to: appending durably or not at all, and going over to the next one.

The next file is made before the written one gets the name of a closed segment, so that a full disk ends in the same
file as before. A crash between the two renames leaves no written file; the next start makes an empty one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sampler.errors import JournalError
from sampler.journal.segments import JOURNAL, NEXT, closed_name
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES
from sampler.runtime.durable import sync_folder

_READABLE_BY_ALL: Final = 0o644
_CLOSED_MODE: Final = 0o444
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class WrittenFile:
    """``journal.jsonl`` in ``folder``, made where there is none. Whoever opens it holds the journal's lock.

    ``size`` is how many bytes of it are whole lines, once what a crash left behind them was taken off.

    Raises:
        JournalError: it cannot be opened, or is no file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / JOURNAL
        self._broken = ""
        with contextlib.suppress(FileNotFoundError):
            (folder / NEXT).unlink()
        try:
            self._descriptor = _open(self._path)
            sync_folder(folder)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot be opened: {error}") from error
        self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def changed(self) -> datetime:
        """When it was last written."""
        return datetime.fromtimestamp(os.fstat(self._descriptor).st_mtime, UTC)

    def append(self, line: bytes) -> None:
        """Add a line; durable when this returns, and not there when it raises.

        Raises:
            JournalError: it could not be written.
        """
        if self._broken or len(line) > JOURNAL_ENTRY_MAX_BYTES:
            raise JournalError(f"{self._path}: not written: {self._broken or f'an entry of {len(line)} bytes'}")
        try:
            if os.fstat(self._descriptor).st_size != self.size:
                raise JournalError(f"{self._path}: something else wrote to it; see: sampler history verify")
            _write_all(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError as error:
            self._take_back()
            raise JournalError(
                f"{self._path}: cannot be written: {error}; nothing is sent until it can: "
                "free space on its disk, then the agent goes on by itself"
            ) from error
        self.size += len(line)

    def shorten(self, length: int) -> None:
        """Take so many bytes off its end, for good.

        Raises:
            JournalError: the disk fails.
        """
        self.size -= length
        try:
            self._cut()
        except OSError as error:
            raise JournalError(f"{self._path}: its torn last line cannot be cut off: {error}") from error

    def begin_next(self, first: int) -> str | None:
        """Close it under the name of its first entry and go on in an empty one; the name.

        Where there is no room for another file, ``None``, and writing goes on in this one.

        Raises:
            JournalError: the disk fails; nothing more is written before a new start.
        """
        try:
            following = _open(self._folder / NEXT)
        except OSError:
            return None
        try:
            self._exchange(closed_name(first))
        except OSError as error:
            os.close(following)
            self._broken = "the next file of the journal could not be begun; start the agent anew"
            raise JournalError(f"{self._path}: {self._broken}: {error}") from error
        os.close(self._descriptor)
        self._descriptor, self.size = following, 0
        return closed_name(first)

    def _exchange(self, name: str) -> None:
        os.fchmod(self._descriptor, _CLOSED_MODE)
        os.fsync(self._descriptor)
        self._path.rename(self._folder / name)
        (self._folder / NEXT).rename(self._path)
        sync_folder(self._folder)

    def _take_back(self) -> None:
        """Back to the end of the last whole line; if even that fails, the next start does it."""
        try:
            self._cut()
        except OSError:
            self._broken = "an entry before could not be taken back"

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.size)
        os.fsync(self._descriptor)


def _open(path: Path) -> int:
    descriptor = os.open(path, _FLAGS, _READABLE_BY_ALL)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no regular file")
        os.fchmod(descriptor, _READABLE_BY_ALL)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _write_all(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
