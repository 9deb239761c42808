"""What /proc says a process is at one moment, so that two moments can be compared (proc(5)). Reads, decides nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_READ_MAX_BYTES: Final = 4096
_KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD (``sched.h`` of the kernel) in the field ``flags``."""
_PLACE_OF_STATE, _PLACE_OF_FLAGS, _PLACE_OF_START = 0, 6, 19
_PLACE_OF_CODE, _PLACE_OF_STACK = 23, 25
"""Fields 26 and 28: another program has others. They are 0 for whoever may not look into the process."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One process at one moment."""

    pid: int
    started: int
    """In clock ticks since boot: with the number, it names one process."""
    program: tuple[bytes | None, int, int]
    """Path and addresses of what it runs, as far as they can be seen; another after execve(2)."""
    user: int
    is_kernel_thread: bool
    has_ended: bool
    """It has, and its parent has not taken notice yet."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """What is there now; ``None`` where there is no such process.

        Raises:
            PermissionError: /proc does not show it.
        """
        try:
            fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            user = _real_user(_read(f"/proc/{pid}/status"))
        except (FileNotFoundError, ProcessLookupError):
            return None
        return cls(
            pid=pid,
            started=int(fields[_PLACE_OF_START]),
            program=(_executable(pid), int(fields[_PLACE_OF_CODE]), int(fields[_PLACE_OF_STACK])),
            user=user,
            is_kernel_thread=bool(int(fields[_PLACE_OF_FLAGS]) & _KERNEL_THREAD),
            has_ended=fields[_PLACE_OF_STATE] in (b"Z", b"X"),
        )

    @property
    def path(self) -> bytes | None:
        """What its program is called; hostile text."""
        return self.program[0]


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _READ_MAX_BYTES)
    finally:
        os.close(descriptor)


def _real_user(status: bytes) -> int:
    return int(status.partition(b"\nUid:")[2].split()[0])


def _executable(pid: int) -> bytes | None:
    with suppress(OSError):
        return os.fsencode(Path(f"/proc/{pid}/exe").readlink())
    return None
