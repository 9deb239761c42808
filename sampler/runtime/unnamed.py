"""Files without a name: gone with their last descriptor, however the process ends."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

_NO_SUCH_FILES: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)
"""What file systems and kernels without O_TMPFILE answer (open(2))."""


def unnamed_file(folder: Path) -> int:
    """A descriptor, for reading and writing, of a new private file on the folder's file system.

    Raises:
        OSError: it cannot be had.
    """
    try:
        return os.open(folder, os.O_TMPFILE | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in _NO_SUCH_FILES:
            raise
    descriptor, name = tempfile.mkstemp(prefix=".unnamed-", dir=folder)
    os.unlink(name)
    return descriptor
