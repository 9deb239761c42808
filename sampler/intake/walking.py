"""Walking trees: every regular file below the given paths, without following a link or leaving the file system."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class NotWalked:
    """Something below the given paths that cannot be looked at, and why."""

    path: bytes
    detail: str


Walked: TypeAlias = bytes | NotWalked


def walk(paths: Iterable[bytes]) -> Iterator[Walked]:
    """Absolute paths of regular files, in the order of their names; a path that is itself a file is yielded as it is.

    What is given by name is yielded whatever it is, so that the one who asked is told about it; inside folders only
    regular files are. A link is never followed, and a folder on another file system is not entered.
    """
    for path in paths:
        absolute = os.path.abspath(path)
        try:
            status = os.lstat(absolute)
        except OSError as error:
            yield NotWalked(absolute, error.strerror or str(error))
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _below(absolute, status.st_dev)
        else:
            yield absolute


def _below(folder: bytes, device: int) -> Iterator[Walked]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield NotWalked(folder, error.strerror or str(error))
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            yield NotWalked(entry.path, error.strerror or str(error))
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.path
        elif stat.S_ISDIR(status.st_mode) and status.st_dev == device:
            yield from _below(entry.path, device)
