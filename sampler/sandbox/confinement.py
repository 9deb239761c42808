"""What is taken from a process before it sees hostile bytes. The one place where confinement is applied.

Order matters: descriptors first (closing them needs ``/proc``), then the ties to the parent, then what cannot be
undone. Every call that fails ends the process: a child that is less confined than it should be must not exist.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sampler.limits import OBJECT_MAX_BYTES

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_FILES_MAX_COUNT: Final = 16
"""Three standard ones, the socket, the object, and room for what mapping it duplicates."""

_libc = ctypes.CDLL(None, use_errno=True)


class ConfinementError(Exception):
    """The kernel refused a restriction, or the parent is gone already."""


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG).

    Raises:
        ConfinementError: ``parent`` ended before the kernel was asked, so it would never tell.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ConfinementError(f"the parent {parent} is gone")


def keep_only(descriptors: Iterable[int]) -> None:
    """Close every other descriptor of this process."""
    kept = set(descriptors)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in kept:
            with contextlib.suppress(OSError):  # the one that listed the folder is closed by now
                os.close(descriptor)


def hide_memory() -> None:
    """No core dump, and no other process of this user can look into this one (prctl(2), PR_SET_DUMPABLE)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def confine(*, memory_max_bytes: int) -> None:
    """Apply to a child all that holds before its first object; nothing of it can be taken back.

    ``RLIMIT_DATA`` (setrlimit(2), since Linux 4.7 private mappings as well) is the ceiling of what it can allocate;
    ``RLIMIT_AS`` stands behind it with room for mapping the object, which takes no memory of its own.

    Raises:
        ConfinementError, OSError, ValueError: the kernel refused one; the child must end.
    """
    hide_memory()
    _limit(resource.RLIMIT_DATA, memory_max_bytes)
    _limit(resource.RLIMIT_AS, memory_max_bytes + OBJECT_MAX_BYTES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES_MAX_COUNT)
    _limit(resource.RLIMIT_NPROC, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (lower, lower))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise ConfinementError(f"prctl({option}): {os.strerror(ctypes.get_errno())}")
