"""What is taken from a process before it sees hostile bytes. The one place where confinement is applied.

Order matters: descriptors first (closing them needs ``/proc``), then the ties to the parent, then what cannot be
undone, and the system-call filter last, because it refuses what puts the others in force. What a kernel does not have
is named in the result; any other call that fails ends the process: a child that is less confined than it should be must
not exist.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sampler.limits import CHILD_CPU_MAX_SECONDS, OBJECT_MAX_BYTES
from sampler.sandbox import landlock, namespaces, seccomp, target_files
from sampler.sandbox.kernel import prctl
from sampler.sandbox.messages import Confinement
from sampler.sandbox.pages import start_page_dropper

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_FILES_MAX_COUNT: Final = 16
"""Three standard ones, the socket, the object, and room for what mapping it duplicates."""


class ConfinementError(Exception):
    """A child is held by less than it should be, or its parent is gone already."""


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG).

    Raises:
        ConfinementError: ``parent`` ended before the kernel was asked, so it would never tell.
    """
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
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
    prctl(_PR_SET_DUMPABLE, 0)


def confine(*, memory_max_bytes: int) -> Confinement:
    """Apply to a child all that holds before its first object, and say what that is; nothing can be taken back.

    The process must have one thread: only then it can enter a user namespace, and most of the rest holds per thread and
    for those that it makes. Its second thread is made when all of that holds, and the filter is put on both at once.

    Raises:
        OSError, ValueError, RuntimeError: the kernel refused what every kernel has; the child must end.
    """
    separated = namespaces.separate()
    hide_memory()
    limit_resources(memory_max_bytes)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    held = separated + namespaces.drop_capabilities() + landlock.give_no_rights()
    start_page_dropper()
    _limit(resource.RLIMIT_NPROC, 0)
    return held + seccomp.filter_calls() + Confinement(("no new privileges", "limits"))


def confine_to_process(target: int, *, parent: int, memory_max_bytes: int) -> Confinement:
    """Apply to a child all that holds while it reads the memory of one other process; nothing can be taken back.

    It has to be held by less than one that parses an object: neither Landlock nor a user namespace lets anyone look
    into a process outside. Where root runs it, it is left with three files of the target and the capability to open
    them. Elsewhere it can open for reading what its user can, and has no way to tell anyone but its parent.

    Args:
        target: a pidfd (pidfd_open(2)) of the process to be read.
        parent: as ``die_with_parent``, which is done again: the kernel forgets it when a process changes its user.
        memory_max_bytes: as ``confine``.

    Raises:
        ConfinementError: the target or the parent is gone.
        OSError, ValueError: the kernel refused what every kernel has; the child must end.
    """
    separated = target_files.see_only(target, namespaces.separate_mounts())
    die_with_parent(parent)
    hide_memory()
    limit_resources(memory_max_bytes)
    _limit(resource.RLIMIT_NPROC, 0)
    if not target_files.is_running(target):
        raise ConfinementError("the process to be read has ended")
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    held = separated + namespaces.keep_tracing()
    return held + seccomp.filter_calls(opening=True) + Confinement(("no new privileges", "limits"))


def limit_resources(memory_max_bytes: int) -> None:
    """Limits of the process (setrlimit(2)).

    ``RLIMIT_DATA`` (setrlimit(2), since Linux 4.7 private mappings as well) is the ceiling of what it can allocate;
    ``RLIMIT_AS`` stands behind it with room for mapping the object, which takes no memory of its own. ``RLIMIT_NPROC``
    is left to the callers: it counts threads too. ``RLIMIT_CPU`` is for a child whose agent does not watch it any more.
    """
    _limit(resource.RLIMIT_CPU, CHILD_CPU_MAX_SECONDS)
    _limit(resource.RLIMIT_DATA, memory_max_bytes)
    _limit(resource.RLIMIT_AS, memory_max_bytes + OBJECT_MAX_BYTES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES_MAX_COUNT)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (lower, lower))
