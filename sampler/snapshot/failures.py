"""Every way in which one object cannot be taken, as a value with words for the one who asked.

The codes are stable; the details name the object so that they can be shown on a terminal, whatever bytes its name has.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Failure, ObjectState

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFLNK: "a symbolic link",
}
_NAME_MAX_CHARACTERS: Final = TEXT_MAX_CHARACTERS // 2


def shown(path: bytes | None) -> str:
    """A path for people: bytes and characters that do not print are escaped, a long one is cut at its front."""
    if path is None:
        return "the object"
    text = path.decode("utf-8", "backslashreplace")
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return plain if len(plain) <= _NAME_MAX_CHARACTERS else "…" + plain[1 - _NAME_MAX_CHARACTERS :]


def not_a_regular_file(path: bytes | None, mode: int) -> Failure:
    """It is something else than a file, by its ``st_mode``."""
    kind = _KINDS.get(stat.S_IFMT(mode), "no file")
    return Failure(
        ObjectState.UNREADABLE, "not-a-regular-file", f"{shown(path)} is {kind}; only regular files are taken"
    )


def absent(path: bytes | None) -> Failure:
    """There is nothing of this name."""
    return Failure(ObjectState.VANISHED, "absent", f"{shown(path)} does not exist")


def vanished(path: bytes | None) -> Failure:
    """It was there and went away."""
    return Failure(ObjectState.VANISHED, "vanished", f"{shown(path)} went away while it was taken")


def no_permission(path: bytes | None) -> Failure:
    """The peer may not read it."""
    return Failure(ObjectState.UNREADABLE, "permission", f"the one who flagged {shown(path)} may not read it")


def not_opened_for_reading(path: bytes | None) -> Failure:
    """A descriptor came that cannot be read."""
    return Failure(
        ObjectState.UNREADABLE, "permission", f"the descriptor of {shown(path)} was not opened for reading; open it so"
    )


def other_user(path: bytes, why: str) -> Failure:
    """The agent cannot take on the peer's rights."""
    return Failure(
        ObjectState.UNREADABLE,
        "other-user",
        f"{shown(path)} cannot be opened with your rights: {why}; pass the bytes or an open descriptor",
    )


def untrusted_file_system(path: bytes | None, name: str) -> Failure:
    """It lies where a file's contents depend on who reads, or where another user's program answers the reads."""
    return Failure(
        ObjectState.UNREADABLE,
        "untrusted-file-system",
        f"{shown(path)} lies on a {name} file system, which is not read for another user; pass the bytes",
    )


def too_large(path: bytes | None, size: int, max_bytes: int) -> Failure:
    """It has more bytes than the ceiling."""
    return Failure(
        ObjectState.OVERSIZE, "too-large", f"{shown(path)} has {size} bytes; at most {max_bytes} bytes are taken"
    )


def changed(path: bytes | None, size: int, read: int) -> Failure:
    """It grew or shrank while it was read."""
    how = f"grew past the {size} bytes that it had" if read > size else f"shrank from {size} to {read} bytes"
    return Failure(ObjectState.CHANGED, "changed", f"{shown(path)} {how} while it was read; flag it again")


def deadline(path: bytes | None, seconds: float) -> Failure:
    """Opening or reading it took too long."""
    return Failure(ObjectState.TIMED_OUT, "deadline", f"{shown(path)} could not be read within {seconds:g} seconds")


def hanging(path: bytes | None, why: str) -> Failure:
    """It was not even tried, because earlier tries for the same user still hang."""
    return Failure(ObjectState.TIMED_OUT, "deadline", f"{shown(path)} was not read: {why}; flag it again later")


def read_error(path: bytes | None, error: OSError) -> Failure:
    """The file system says that it cannot be read."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return Failure(ObjectState.UNREADABLE, "read-error", f"{shown(path)} could not be read: {why}")


def of_opening(path: bytes, error: OSError) -> Failure:
    """What an error of open(2) means for the object."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ENAMETOOLONG:
            return absent(path)
        case errno.EACCES | errno.EPERM:
            return no_permission(path)
        case _:
            return of_reading(path, error)


def of_reading(path: bytes | None, error: OSError) -> Failure:
    """What an error of reading an open file means for the object."""
    if error.errno in (errno.ESTALE, errno.ENOENT):
        return vanished(path)
    return read_error(path, error)
