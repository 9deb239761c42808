"""Becomes another user, takes limits on, and becomes the command. A program of its own, standard library only.

``on_verdict_launcher.py PARENT USER CPU_SECONDS MEMORY_BYTES FILE_BYTES PROGRAM ARGUMENT…``; ``USER`` is empty for
whoever it is already. The order matters: groups before the user, since nobody gets groups back after that; the signal
at the agent's death (prctl(2), PR_SET_PDEATHSIG) after it, since changing the user clears it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import signal
import sys
from typing import Final, NoReturn

CANNOT_START: Final = 127
"""Exit status when the program cannot be executed, as shells have it."""
_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""An ignored signal stays ignored over exec, and programs expect these two to end them."""
_PR_SET_PDEATHSIG: Final = 1


def main(arguments: list[str]) -> NoReturn:
    """Run the command in place of this process."""
    parent, user, cpu_seconds, memory_bytes, file_bytes, *command = arguments
    try:
        if user:
            _become(user)
        _die_with(int(parent))
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_CPU, int(cpu_seconds))
        _lower(resource.RLIMIT_FSIZE, int(file_bytes))
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        _lower(resource.RLIMIT_AS, int(memory_bytes))
        os.execv(command[0], command)  # noqa: S606 - there is no shell on purpose
    except (OSError, KeyError, ValueError) as error:
        os.write(2, f"{command[0]}: cannot be started: {error}\n".encode("utf-8", "replace"))
    os._exit(CANNOT_START)


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups(os.getgrouplist(user, entry.pw_gid))
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        raise OSError("the agent has ended")


def _lower(limit: int, value: int) -> None:
    """Set a limit, soft and hard, or keep the hard one where that is lower already."""
    hard = resource.getrlimit(limit)[1]
    lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (lowest, lowest))


if __name__ == "__main__":
    main(sys.argv[1:])
