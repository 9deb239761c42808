"""How much memory of its own a process has taken since it was looked at first, seen from outside (proc(5), ``statm``).

The number is the kernel's and not the child's word, and reading it needs no right to look into the process. Where /proc
hides other processes (``hidepid``) nothing is seen, and nothing is said to have grown.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATM_MAX_BYTES: Final = 128
"""Seven numbers."""


class Growth:
    """One process's anonymous resident memory, compared with what it was at first."""

    def __init__(self, pid: int) -> None:
        """Look at a process; the caller makes sure that ``pid`` still is the one it means."""
        self._statm = -1
        with contextlib.suppress(OSError):
            self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._first = self._anonymous_bytes()

    @property
    def grown_bytes(self) -> int:
        """How much more it has now; 0 if it ended or cannot be seen."""
        return max(0, self._anonymous_bytes() - self._first)

    def close(self) -> None:
        """Look no more; may be called again."""
        if self._statm >= 0:
            os.close(self._statm)
            self._statm = -1

    def _anonymous_bytes(self) -> int:
        """Resident pages that show no file; the pages of a mapped object are not among them."""
        if self._statm < 0:
            return 0
        try:
            _, resident, shared, *_ = os.pread(self._statm, _STATM_MAX_BYTES, 0).split()
        except (ProcessLookupError, ValueError):  # it ended; a zombie's file is full of zeros, that of no process empty
            return 0
        return (int(resident) - int(shared)) * _PAGE_BYTES
