"""Where copies lie: a sealed memfd for small ones, an unnamed file on the spool's file system for large ones.

Where that file system can share blocks (XFS, btrfs) and the source lies on it too, a large copy is a clone (FICLONE,
ioctl_ficlonerange(2)): it takes no time and no space, and later writes to the source do not reach it.

Neither has a name that anybody could open, and neither can be written once it is closed for writing.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from sampler.errors import SpoolError, SpoolFull
from sampler.runtime.unnamed import unnamed_file

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)
_FICLONE: Final = 0x40049409
"""linux/fs.h, ``_IOW(0x94, 9, int)``; the same on x86, ARM and RISC-V."""
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class MemoryStore:
    """Anonymous memory (memfd_create(2)) that is sealed in the end."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("sampler-snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def close_for_writing(self) -> int:
        """Seal it, and give the descriptor away."""
        os.fchmod(self.descriptor, 0o400)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return self.descriptor

    def discard(self) -> None:
        """Throw it away."""
        os.close(self.descriptor)


class FileStore:
    """An unnamed file (open(2), O_TMPFILE) in a folder, opened anew for reading only in the end."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = unnamed_file(folder)

    def close_for_writing(self) -> int:
        """Give a descriptor away that cannot write, and close the one that can."""
        reader = os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        os.close(self.descriptor)
        return reader

    def discard(self) -> None:
        """Throw it away."""
        os.close(self.descriptor)


Store = MemoryStore | FileStore


def clone(store: Store, source: int) -> bool:
    """Make an empty copy share all blocks of ``source``; false if that cannot be, and then it is empty again.

    Raises:
        SpoolError: what failed halfway cannot be taken back.
    """
    if isinstance(store, MemoryStore):
        return False
    try:
        fcntl.ioctl(store.descriptor, _FICLONE, source)
    except OSError:  # another file system, one that cannot, a file that must not share: bytes can still be copied
        set_length(store, 0)
        return False
    return True


def write_at(store: Store, chunk: bytes, offset: int) -> None:
    """Write all of ``chunk``, without moving the position.

    Raises:
        SpoolFull: there is no room for it.
        SpoolError: the disk does not take it.
    """
    view = memoryview(chunk)
    try:
        while view:
            written = os.pwrite(store.descriptor, view, offset)
            view, offset = view[written:], offset + written
    except OSError as error:
        raise cannot_keep(error) from error


def set_length(store: Store, size: int) -> None:
    """Make the copy ``size`` bytes long, zeros where nothing was written.

    Raises:
        SpoolFull, SpoolError: as ``write_at``.
    """
    try:
        os.ftruncate(store.descriptor, size)
    except OSError as error:
        raise cannot_keep(error) from error


def close_for_writing(store: Store) -> int:
    """The descriptor of a copy that nobody can write any more; it belongs to the caller.

    Raises:
        SpoolError: it cannot be had.
    """
    try:
        return store.close_for_writing()
    except OSError as error:
        raise cannot_keep(error) from error


def cannot_keep(error: OSError) -> SpoolError:
    """The error of ours that says why a copy cannot be kept."""
    if error.errno in _FULL:
        return SpoolFull(f"no room for a copy of the object: {error.strerror}; free space on the spool's disk")
    return SpoolError(f"the copy of the object cannot be written: {error}")
