"""A file that is only there to be removed: on a full disk it gives the ledger the room to end an object.

Even deleting needs room (SQLite writes to its log first), so without it a full disk could never drain.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from sampler.limits import KIB

_BALLAST_BYTES: Final = 256 * KIB
"""Some dozens of pages of the ledger's log."""


class Ballast:
    """The file at ``path``. Calls are the spool's to serialize."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> None:
        """Have the file, if there is room for it; otherwise later."""
        if self._path.exists():
            return
        with contextlib.suppress(OSError):
            self._fill()

    def release(self) -> bool:
        """Give the room back; ``False`` when there was none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _fill(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _BALLAST_BYTES)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(descriptor)
