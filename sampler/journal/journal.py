"""Writing the journal: one line after another, each durable before its caller goes on, by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sampler.errors import JournalError
from sampler.journal.lines import JournalEntry, write_line
from sampler.journal.reading import HEAD, JOURNAL, Head, JournalReader, is_torn
from sampler.limits import JOURNAL_ENTRY_MAX_BYTES
from sampler.runtime.durable import sync_folder, write_durably

_READABLE_BY_ALL: Final = 0o644


class Journal:
    """The journal in ``folder``, which exists, open for writing. Blocking; any thread may call it.

    A last line that a crash cut off was never acknowledged: it is kept aside in ``journal.torn-N`` and noted.

    Raises:
        JournalError: another process writes it, it is damaged, or it cannot be written. Nothing may be sent then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = JournalReader(folder)
        self._guard = threading.Lock()
        self._broken = False
        self._head = -1
        """Of the note; -1 before the first."""
        self._descriptor = self._open()
        try:
            self._last, self._size = Head(), 0
            self._recover()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, kind: str, event_id: str, at: datetime, document: Mapping[str, Any]) -> None:
        """Note something; it is durable when this returns, and not there at all when it raises.

        Raises:
            JournalError: it could not be written, for want of space for one; whatever it was about must not happen.
        """
        with self._guard:
            last = self._last
            try:
                line, digest = write_line(last.number + 1, at, kind, event_id, document, previous=last.digest)
            except ValueError as error:
                raise JournalError(f"{self._path}: a {kind} entry cannot be written: {error}") from error
            self._write(line)
            self._last, self._size = Head(last.number + 1, digest), self._size + len(line)
            self._note_last()

    def entries(self, event_id: str | None = None) -> Iterator[JournalEntry]:
        """As ``JournalReader.entries``."""
        return self._reader.entries(event_id)

    def verify(self) -> tuple[str, ...]:
        """As ``JournalReader.verify``."""
        return self._reader.verify()

    def close(self) -> None:
        """Let another process write it."""
        for descriptor in (self._descriptor, self._head):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._head = -1

    @property
    def _path(self) -> Path:
        return self._folder / JOURNAL

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._path, flags, _READABLE_BY_ALL)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot be opened: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(descriptor, _READABLE_BY_ALL)
            sync_folder(self._folder)
        except OSError as error:
            os.close(descriptor)
            busy = isinstance(error, BlockingIOError)
            reason = "another agent writes it; stop that one first" if busy else f"cannot be made ready: {error}"
            raise JournalError(f"{self._path}: {reason}") from error
        return descriptor

    def _recover(self) -> None:
        status = os.fstat(self._descriptor)
        number, torn = self._torn_line()
        kept = f"journal.torn-{number}"
        self._size = status.st_size - len(torn)
        if torn:
            self._set_aside(kept, torn)
        survey = self._reader.survey()
        if survey.faults:
            raise JournalError(
                f"{self._path}: damaged, so nothing is sent: {survey.faults[0]}; see: sampler history verify; "
                "to begin anew, move the folder away and keep it"
            )
        self._last = survey.last
        if torn:
            when = datetime.fromtimestamp(status.st_mtime, UTC)
            self.append("repaired", "", when, {"kept": kept, "bytes": len(torn)})

    def _torn_line(self) -> tuple[int, bytes]:
        last = deque(self._reader.lines(), maxlen=1)
        number, line = last[0] if last else (0, b"")
        return (number, line) if line and is_torn(line) else (number, b"")

    def _set_aside(self, name: str, torn: bytes) -> None:
        try:
            write_durably(self._folder / name, torn, mode=_READABLE_BY_ALL)
            self._cut()
        except OSError as error:
            raise JournalError(f"{self._path}: its torn last line cannot be set aside: {error}") from error

    def _write(self, line: bytes) -> None:
        if self._broken or len(line) > JOURNAL_ENTRY_MAX_BYTES:
            reason = "an entry before could not be taken back" if self._broken else f"an entry of {len(line)} bytes"
            raise JournalError(f"{self._path}: not written: {reason}")
        try:
            if os.fstat(self._descriptor).st_size != self._size:
                raise JournalError(f"{self._path}: something else wrote to it; see: sampler history verify")
            self._write_all(line)
            os.fsync(self._descriptor)
        except OSError as error:
            self._take_back()
            raise JournalError(
                f"{self._path}: cannot be written: {error}; nothing is sent until it can: "
                "free space on its disk, then the agent goes on by itself"
            ) from error

    def _write_all(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _take_back(self) -> None:
        """Back to the end of the last whole line; if even that fails, the next start does it."""
        try:
            self._cut()
        except OSError:
            self._broken = True

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        os.fsync(self._descriptor)

    def _note_last(self) -> None:
        """Note where the chain ends, so that a removed end is seen. A note that lags proves less and is not wrong.

        So it is written in place and not waited for: it always has the same length within one block, of which a power
        cut leaves the old or the new state. The first one of a process is a new file, and durable.
        """
        note = f"{self._last.number:018} {self._last.digest}\n".encode()
        with contextlib.suppress(OSError):
            if self._head < 0:
                write_durably(self._folder / HEAD, note, mode=_READABLE_BY_ALL)
                self._head = os.open(self._folder / HEAD, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            else:
                os.pwrite(self._head, note, 0)
