"""The files of the consent's folder: read only where nobody but root, its owner and this account can have written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from sampler.errors import ConsentError
from sampler.runtime.durable import write_durably

_READABLE_BY_ALL: Final = 0o644


def read_owned(path: Path, ceiling: int) -> bytes:
    """A file's bytes, at most one more than ``ceiling``.

    Raises:
        ConsentError: it cannot be read, is no regular file, or others than root, the owner of its folder and this
            account can write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status, owner = os.fstat(descriptor), path.parent.stat().st_uid
            if not stat.S_ISREG(status.st_mode) or not _only_ours(status, owner):
                raise ConsentError(f"{path}: others than root and this account can write it")
            return file.read(ceiling + 1)
    except OSError as error:
        raise ConsentError(f"{path}: cannot be read: {error}") from error


def write_for_all(path: Path, data: bytes) -> None:
    """Put a file there that every user can read, durably.

    Raises:
        ConsentError: it cannot be written; what stood before still stands.
    """
    try:
        write_durably(path, data, mode=_READABLE_BY_ALL)
    except OSError as error:
        raise ConsentError(f"{path}: cannot be written: {error}; what stood before still stands") from error


def open_lock(path: Path) -> int:
    """A descriptor of a file to lock, which nobody but the folder's owner and root can open.

    Raises:
        ConsentError: the folder cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.geteuid() == 0:
            os.fchown(descriptor, path.parent.stat().st_uid, -1)
    except OSError as error:
        raise ConsentError(f"{path.parent}: cannot be written: {error}; what stood before still stands") from error
    return descriptor


def _only_ours(status: os.stat_result, owner: int) -> bool:
    return status.st_uid in (0, owner, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
