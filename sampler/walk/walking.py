"""Walking trees: every regular file below the given paths, without following a link or leaving the file system.

A walk goes from folder to folder by descriptor (openat(2), O_NOFOLLOW), never by a path whose folders somebody could
exchange for links meanwhile. Of the folders on the way down, the deepest ones are held open; the others are found again
from below (``..``), and taken only if they are the ones that were left. So a tree may be as deep as paths are long.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from sampler.limits import FOLDER_ENTRIES_MAX_COUNT, PATH_MAX_BYTES
from sampler.walk.selection import EVERYTHING, Selection

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HELD_MAX_COUNT: Final = 32
"""Folders that are held open."""


class Found(msgspec.Struct, frozen=True):
    """A regular file, and what lstat(2) said of it. There are many: a dataclass takes ten times as long to make."""

    path: bytes
    """Absolute, as the file system keeps it."""
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class NotWalked:
    """Something that cannot be looked at, and why."""

    path: bytes
    detail: str


Walked: TypeAlias = Found | NotWalked


@dataclass(slots=True)
class _Folder:
    """A folder on the way down, and what of it is still to be looked at."""

    path: bytes
    status: os.stat_result
    descriptor: int = -1
    """-1: not held open at the moment."""
    names: list[bytes] = field(default_factory=list)
    """The last one is the next."""


def walk(paths: Iterable[bytes], selection: Selection = EVERYTHING) -> Iterator[Walked]:
    """Regular files that ``selection`` wants, folder by folder in the order of their names.

    A link is never followed, and a folder on another file system (st_dev, as ``find -xdev``) is passed over. What is
    given by name and is neither file nor folder is said; inside folders it is passed over.
    """
    for path in paths:
        absolute = os.path.abspath(path)
        try:
            status = os.lstat(absolute)
        except OSError as error:
            yield NotWalked(absolute, _reason(error))
            continue
        if stat.S_ISDIR(status.st_mode):
            if selection.enters(absolute):
                yield from _Walk(selection, status.st_dev).below(absolute)
        elif not stat.S_ISREG(status.st_mode):
            yield NotWalked(absolute, f"is {_KINDS.get(stat.S_IFMT(status.st_mode), 'no regular file')}")
        elif selection.wants(absolute, status):
            yield Found(absolute, status)


class _Walk:
    """One way through one tree."""

    def __init__(self, selection: Selection, device: int) -> None:
        self._selection = selection
        self._device = device
        self._chain: list[_Folder] = []
        """From the top to the folder that is being looked at."""

    def below(self, top: bytes) -> Iterator[Walked]:
        try:
            yield from self._enter(top, top, None)
            while self._chain:
                if self._chain[-1].names:
                    yield from self._look_into(self._chain[-1])
                else:
                    yield from self._leave()
        finally:
            for folder in self._chain:
                _close(folder)

    def _look_into(self, folder: _Folder) -> Iterator[Walked]:
        """What is next in a folder, as far as the next one to enter."""
        start, wants = os.path.join(folder.path, b""), self._selection.wants
        while folder.names:
            name = folder.names.pop()
            path = start + name
            try:
                status = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
            except OSError as error:
                yield NotWalked(path, _reason(error))
                continue
            if stat.S_ISREG(status.st_mode):
                if wants(path, status):
                    yield Found(path, status) if len(path) < PATH_MAX_BYTES else _too_long(path)
            elif stat.S_ISDIR(status.st_mode) and status.st_dev == self._device and self._selection.enters(path):
                yield from self._enter(path, name, folder.descriptor)
                return

    def _enter(self, path: bytes, name: bytes, above: int | None) -> Iterator[NotWalked]:
        if len(path) >= PATH_MAX_BYTES:
            yield _too_long(path)
            return
        try:
            descriptor = os.open(name, _OPEN, dir_fd=above)
        except OSError as error:
            yield NotWalked(path, _reason(error))
            return
        folder = _Folder(path, os.fstat(descriptor), descriptor)
        self._chain.append(folder)
        if folder.status.st_dev != self._device:  # mounted over since it was looked at
            return
        if len(self._chain) > _HELD_MAX_COUNT:
            _close(self._chain[-1 - _HELD_MAX_COUNT])
        yield from _list(folder)

    def _leave(self) -> Iterator[NotWalked]:
        """Back to the folder above, which is opened again if it has been closed."""
        left = self._chain.pop()
        try:
            if self._chain and self._chain[-1].descriptor < 0:
                yield from _find_again(self._chain[-1], left.descriptor)
        finally:
            _close(left)


def _list(folder: _Folder) -> Iterator[NotWalked]:
    try:
        with os.scandir(folder.descriptor) as listing:
            names = [os.fsencode(entry.name) for entry in islice(listing, FOLDER_ENTRIES_MAX_COUNT + 1)]
    except OSError as error:
        yield NotWalked(folder.path, _reason(error))
        return
    if len(names) > FOLDER_ENTRIES_MAX_COUNT:
        yield NotWalked(folder.path, f"has more than {FOLDER_ENTRIES_MAX_COUNT} entries; the others are left out")
        names.pop()
    folder.names = sorted(names, reverse=True)


def _find_again(folder: _Folder, below: int) -> Iterator[NotWalked]:
    """Open a folder from one that was reached through it; when that fails, what is left of it is given up."""
    try:
        folder.descriptor = os.open("..", _OPEN, dir_fd=below)
        if os.path.samestat(os.fstat(folder.descriptor), folder.status):
            return
    except OSError:
        pass  # as below: the way back is not the way that led here
    _close(folder)
    if folder.names:
        folder.names.clear()
        yield NotWalked(
            folder.path, "folders were moved while they were being walked; the rest of this one is left out"
        )


def _close(folder: _Folder) -> None:
    if folder.descriptor >= 0:
        os.close(folder.descriptor)
        folder.descriptor = -1


def _too_long(path: bytes) -> NotWalked:
    return NotWalked(path, os.strerror(errno.ENAMETOOLONG))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link, which is not followed",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}
