"""Runs one analyzer program under limits and leaves none of its descendants behind. A program of its own, standard
library only.

``launcher.py PARENT CPU_SECONDS MEMORY_BYTES FILE_BYTES PROGRAM ARGUMENT…`` is started in a session of its own. It
makes itself the subreaper of everything below it (prctl(2), PR_SET_CHILD_SUBREAPER), so that a descendant that leaves
the process group or is orphaned still ends up here and is killed when the program ends, when SIGTERM comes, or when
the worker dies (PR_SET_PDEATHSIG). The limits (setrlimit(2)) are set between fork and exec, which is safe here
because this process has one thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

CANNOT_START: Final = 127
"""Exit status when the program cannot be executed, as shells have it."""

_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""An ignored signal stays ignored over exec, and programs expect these two to end them."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


class Stopped(Exception):
    """SIGTERM came."""


def main(arguments: list[str]) -> int:
    """Run the program; its exit status, or 128 and the signal that ended it."""
    parent, cpu_seconds, memory_bytes, file_bytes = (int(text) for text in arguments[:4])
    signal.signal(signal.SIGTERM, _stop)
    _adopt()
    if os.getppid() != parent:
        return 128 + signal.SIGTERM
    limits = [
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ]
    status = 128 + signal.SIGTERM
    try:
        status = _wait(_start(arguments[4:], limits))
    except Stopped:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _kill_descendants()
    return status


def _stop(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _adopt() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _start(command: list[str], limits: list[tuple[int, int]]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        for limit, value in limits:
            _lower(limit, value)
        os.execvp(command[0], command)  # noqa: S606 - there is no shell on purpose
    except (OSError, ValueError) as error:
        os.write(2, f"{command[0]}: cannot be started: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(CANNOT_START)


def _lower(limit: int, value: int) -> None:
    """Set a limit, soft and hard, or keep the hard one where that is lower already."""
    hard = resource.getrlimit(limit)[1]
    lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (lowest, lowest))


def _wait(pid: int) -> int:
    """Reap whatever ends until the program itself does."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill_descendants() -> None:
    """Kill direct children until there are none; the children of a killed one become direct ones."""
    while True:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    """Processes whose parent this is (proc(5), /proc/PID/stat, fields 1, 2 and 4)."""
    own = str(os.getpid())
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_bytes().rpartition(b")")[2].split()
            if fields[1].decode("ascii") == own:
                yield int(entry.parent.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
