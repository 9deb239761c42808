"""From a source to a descriptor that is safe to read: a regular file that the peer could read itself.

Steps for a path, each with the peer's rights and none repeated by name: (1) find it by O_PATH | O_NOFOLLOW, which
opens nothing and starts nothing; (2) fstat(2) what was found, refuse all but regular files; (3) refuse file systems
that answer by the reader's rights; (4) open that very inode for reading through ``/proc/self/fd``. All of it, and all
that is done with a passed descriptor, happens on a thread that is left behind when the file system does not answer.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from sampler.limits import CLOSE_WAIT_SECONDS, OPEN_DEADLINE_SECONDS, XATTR_MAX_BYTES
from sampler.model import Candidate, DescriptorSource, Failure, FileStat, PathSource, Peer
from sampler.runtime.deadlines import StillHanging, within
from sampler.runtime.rights import RightsUnavailable, is_trusted, with_rights_of
from sampler.snapshot import failures
from sampler.snapshot.filesystems import is_sure_to_answer, open_without_magic_links, untrusted_name

_FIND: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_ORIGINS: Final = (
    "user.xdg.origin.url",
    "user.xdg.referrer.url",
    "user.Zone.Identifier",
    "user.DosStream.Zone.Identifier:$DATA",
)
"""The last two are the mark of Windows, as NTFS-3G and Samba show it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A regular file, open for reading; whoever got it closes ``descriptor``."""

    descriptor: int
    stat: FileStat
    path: bytes | None
    may_hang: bool = True
    """Whether its file system can let a read wait for ever."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A regular file, open for reading with our own rights; whoever got it closes ``descriptor``."""

    descriptor: int
    status: os.stat_result
    """fstat(2) of it, from before it was opened for reading."""


def open_source(candidate: Candidate, *, deadline_seconds: float = OPEN_DEADLINE_SECONDS) -> Opened | Failure:
    """Open a candidate's source. On a failure nothing is left open, a passed descriptor neither."""
    match candidate.source:
        case PathSource(path=path):
            return open_path(path, candidate.peer, deadline_seconds=deadline_seconds)
        case DescriptorSource(descriptor=descriptor, path=path):
            return adopt_descriptor(descriptor, path, candidate.peer, deadline_seconds=deadline_seconds)
        case _:
            raise TypeError(f"a {candidate.subject} is captured, it is no file to be opened")


def open_path(path: bytes, peer: Peer, *, deadline_seconds: float = OPEN_DEADLINE_SECONDS) -> Opened | Failure:
    """Open an absolute path with the peer's rights; its last component is never followed if it is a link."""
    work = partial(_open_regular, path, trusted=is_trusted(peer))
    try:
        return with_rights_of(peer, work, deadline_seconds=deadline_seconds, discard=_discard)
    except RightsUnavailable as error:
        return failures.other_user(path, str(error))
    except StillHanging as error:
        return failures.hanging(path, str(error))
    except TimeoutError:
        return failures.deadline(path, deadline_seconds)
    except OSError as error:
        return failures.of_opening(path, error)


def open_own(path: bytes) -> OwnFile | Failure:
    """Open a file with our own rights, in four system calls: no thread, no deadline, no extended attributes.

    Steps 1, 2 and 4 of the module's. For whoever reads a tree for the one who runs the program; never for a peer.
    """
    try:
        handle = os.open(path, _FIND)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return failures.not_a_regular_file(path, status.st_mode)
            descriptor = _reopen(handle, path)
        finally:
            os.close(handle)
    except OSError as error:
        return failures.of_opening(path, error)
    return descriptor if isinstance(descriptor, Failure) else OwnFile(descriptor, status)


def adopt_descriptor(
    descriptor: int, path: bytes | None, peer: Peer, *, deadline_seconds: float = OPEN_DEADLINE_SECONDS
) -> Opened | Failure:
    """Check a descriptor that was passed; what was opened by the peer needs no rights of ours, but must be readable."""
    work = partial(_adopt, descriptor, path, trusted=is_trusted(peer))
    try:
        return within(work, uid=peer.uid, deadline_seconds=deadline_seconds, discard=_discard)
    except StillHanging as error:
        close_aside(descriptor)
        return failures.hanging(path, str(error))
    except TimeoutError:
        return failures.deadline(path, deadline_seconds)


def close_aside(descriptor: int) -> None:
    """Close what somebody else chose; a close that hangs is left to itself."""
    closing = threading.Thread(target=os.close, args=(descriptor,), name="closing", daemon=True)
    try:
        closing.start()
    except RuntimeError:  # no thread is to be had: better to wait than to keep it open
        os.close(descriptor)
    else:
        closing.join(CLOSE_WAIT_SECONDS)


def _adopt(descriptor: int, path: bytes | None, *, trusted: bool) -> Opened | Failure:
    try:
        failure = _judge(descriptor, path, trusted=trusted) or _judge_access(descriptor, path)
    except OSError as error:
        failure = failures.of_reading(path, error)
    if failure is None:
        return _opened(descriptor, path)
    os.close(descriptor)
    return failure


def _open_regular(path: bytes, *, trusted: bool) -> Opened | Failure:
    handle = os.open(path, _FIND) if trusted else open_without_magic_links(path, _FIND)
    try:
        descriptor = _judge(handle, path, trusted=trusted) or _reopen(handle, path)
    finally:
        os.close(handle)
    return descriptor if isinstance(descriptor, Failure) else _opened(descriptor, path)


def _judge(descriptor: int, path: bytes | None, *, trusted: bool) -> Failure | None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        return failures.not_a_regular_file(path, mode)
    name = None if trusted else untrusted_name(descriptor)
    return failures.untrusted_file_system(path, name) if name else None


def _judge_access(descriptor: int, path: bytes | None) -> Failure | None:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    unreadable = flags & os.O_PATH or flags & os.O_ACCMODE == os.O_WRONLY
    return failures.not_opened_for_reading(path) if unreadable else None


def _reopen(handle: int, path: bytes) -> int | Failure:
    """Open what ``handle`` found; without touching its access time where the owner's rights allow that."""
    name = f"/proc/self/fd/{handle}"
    try:
        try:
            return os.open(name, _READ | os.O_NOATIME)
        except PermissionError as error:
            if error.errno != errno.EPERM:
                raise
            return os.open(name, _READ)
    except FileNotFoundError:
        return failures.vanished(path)


def _discard(late: Opened | Failure) -> None:
    if isinstance(late, Opened):
        os.close(late.descriptor)


def _opened(descriptor: int, path: bytes | None) -> Opened | Failure:
    try:
        return Opened(descriptor, _stat_of(descriptor), path, not is_sure_to_answer(descriptor))
    except OSError as error:
        os.close(descriptor)
        return failures.of_reading(path, error)


def _stat_of(descriptor: int) -> FileStat:
    found = os.fstat(descriptor)
    return FileStat(
        mode=found.st_mode,
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        atime_ns=found.st_atime_ns,
        device=found.st_dev,
        inode=found.st_ino,
        attributes=tuple(_origins(descriptor)),
    )


def _origins(descriptor: int) -> Iterator[tuple[str, bytes]]:
    """The attributes that tell an origin, as far as all of them together stay below the ceiling."""
    room = XATTR_MAX_BYTES
    for name in _ORIGINS:
        try:
            value = os.getxattr(descriptor, name)
        except OSError:  # not set, or the file system has none: an origin is welcome, never needed
            continue
        if len(value) <= room:
            room -= len(value)
            yield name, value
