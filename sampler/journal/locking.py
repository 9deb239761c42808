"""One writer at a time: a lock on a file that other users cannot open, so that none of them can keep the agent out."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sampler.errors import JournalError
from sampler.journal.segments import LOCK


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the journal in ``folder`` for writing.

    Raises:
        JournalError: another process holds it, or this one may not write it.
    """
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened: {error}") from error
    try:
        _lock(path, descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(f"{path}: another agent writes it; stop that one first") from error
    except OSError as error:
        raise JournalError(f"{path}: cannot be locked: {error}") from error
