"""A folder into which files are dropped to be looked at: which of them are ready, and taking them away again. Blocking.

Whoever drops a file is known only by the file's owner. So what is taken is taken with that owner's rights, and:

1. the folder belongs to root or the agent's user, and others may write to it only if it is sticky (inode(7)), so that
   nobody moves another one's files;
2. only regular files directly in it count, found and removed by its descriptor: no name leads elsewhere;
3. a file with several names (hard links) is refused, since anybody may have given it the one here;
4. where others may write, a file of root's or of the agent's own is refused: it may have been moved here by anybody.
"""

from __future__ import annotations

import os
import stat
import uuid
from bisect import bisect_right
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sampler.errors import RequestError
from sampler.limits import DROPPED_AT_ONCE_MAX_COUNT, FOLDER_ENTRIES_MAX_COUNT
from sampler.model import Candidate, PathSource, Peer, Reason

_NAMESPACE: Final = uuid.UUID("5f0c3f0e-6f8e-5d7b-9d6a-0c8a1f3f7a51")
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Dropped:
    """One state of a file that was dropped."""

    path: bytes
    status: os.stat_result

    @property
    def event_id(self) -> str:
        """Always the same for this state of this file, so that it is flagged once, whatever restarts come between."""
        status = self.status
        state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, self.path.hex())
        return str(uuid.uuid5(_NAMESPACE, ":".join(map(str, state))))

    def candidate(self, received: datetime) -> Candidate:
        """What is flagged: the file, with its owner's rights and no groups beside its own."""
        owner = Peer(uid=self.status.st_uid, gid=self.status.st_gid, pid=os.getpid())
        return Candidate(self.event_id, received, Reason.POLICY, owner, PathSource(self.path))


@dataclass(slots=True)
class Look:
    """What is in the folder at one moment."""

    ready: list[Dropped] = field(default_factory=list)
    """At most ``DROPPED_AT_ONCE_MAX_COUNT``; whoever has dealt with them looks after the last one of them."""
    refused: list[tuple[bytes, str]] = field(default_factory=list)
    """Files that are never taken, and why."""
    wait_seconds: float | None = None
    """Until the next one has settled; ``None``: nothing else is there."""


class DropFolder:
    """The folder at ``path``; a file has settled when it has not changed for ``settle_seconds``."""

    def __init__(self, path: Path, settle_seconds: float) -> None:
        self._path = os.fsencode(path.absolute())
        self._settle_ns = round(settle_seconds * _SECOND_NS)

    def look(self, now_ns: int, known: Container[str], *, after: bytes = b"") -> Look:
        """The files that have settled, in the order of their names, without those whose ``event_id`` is known.

        Args:
            now_ns: nanoseconds since 1970 UTC.
            known: event identifiers of files that are done with.
            after: only files whose path comes after this one.

        Raises:
            RequestError: the folder is not there, or not to be trusted (1).
        """
        look = Look()
        with self._opened() as (folder, shared):
            with os.scandir(folder) as listing:
                names = sorted(os.fsencode(entry.name) for entry in islice(listing, FOLDER_ENTRIES_MAX_COUNT))
            for name in names[bisect_right(names, os.path.basename(after)) :]:
                if len(look.ready) == DROPPED_AT_ONCE_MAX_COUNT:
                    break
                self._judge(look, folder, name, now_ns, known, shared=shared)
        return look

    def remove(self, dropped: Dropped) -> bool:
        """Take a file away, unless it is not the one that was taken any more; whether it is gone.

        Raises:
            RequestError: the folder is not there, or not to be trusted.
        """
        name = os.path.basename(dropped.path)
        try:
            with self._opened() as (folder, _):
                if _state(os.stat(name, dir_fd=folder, follow_symlinks=False)) != _state(dropped.status):
                    return False
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise RequestError(f"{os.fsdecode(dropped.path)}: cannot be removed: {error.strerror}") from error
        return True

    @contextmanager
    def _opened(self) -> Iterator[tuple[int, bool]]:
        """The folder's descriptor, and whether others may write to it."""
        try:
            folder = os.open(self._path, _OPEN)
        except OSError as error:
            raise RequestError(f"{os.fsdecode(self._path)}: no folder to take files from: {error.strerror}") from error
        try:
            status = os.fstat(folder)
            shared = bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
            if not _is_ours(status) or (shared and not status.st_mode & stat.S_ISVTX):  # 1
                raise RequestError(
                    f"{os.fsdecode(self._path)}: nothing is taken from it: it has to belong to root or to the agent's "
                    "user, and to be sticky (chmod +t) if others may write to it"
                )
            yield folder, shared
        finally:
            os.close(folder)

    def _judge(self, look: Look, folder: int, name: bytes, now_ns: int, known: Container[str], *, shared: bool) -> None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(status.st_mode):  # 2
            return
        dropped = Dropped(os.path.join(self._path, name), status)
        if dropped.event_id in known:
            return
        if reason := _refusal(status, shared=shared):
            look.refused.append((dropped.path, reason))
            return
        left_ns = max(status.st_mtime_ns, status.st_ctime_ns) + self._settle_ns - now_ns
        if left_ns <= 0 or left_ns > self._settle_ns:  # the latter has a time that is yet to come
            look.ready.append(dropped)
        else:
            look.wait_seconds = min(look.wait_seconds or left_ns, left_ns / _SECOND_NS)


def _refusal(status: os.stat_result, *, shared: bool) -> str:
    if status.st_nlink > 1:  # 3
        return "it has several names, so nobody can tell who put this one here"
    if shared and _is_ours(status):  # 4
        return "it belongs to root or to the agent's user, and others can move files into this folder"
    return ""


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid())


def _state(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
