"""Runs one analyzer program under limits and leaves none of its descendants behind. A program of its own, standard
library only.

``launcher.py PARENT CPU_SECONDS MEMORY_BYTES FILE_BYTES PROCESSES NETWORK UID GID PROGRAM ARGUMENT…`` is started in a
session of its own. It makes itself the subreaper of everything below it (prctl(2), PR_SET_CHILD_SUBREAPER), so that a
descendant that leaves the process group or is orphaned still ends up here and is killed when the program ends, when
SIGTERM comes, or when the worker dies (PR_SET_PDEATHSIG). What the program is held by is put on between fork and exec,
which is safe here because this process has one thread: (1) another user, where one is named, (2) a user and network
namespace of its own (user_namespaces(7)) unless it may have the network, (3) limits (setrlimit(2)), (4) no new
privileges. Where a kernel gives no such namespaces the program runs without: ``launcher.py`` alone says by its exit
status whether this one does, so that a worker can tell its operator.

The ceiling of processes counts what runs as the same user in the program's own user namespace (setrlimit(2),
RLIMIT_NPROC; since Linux 5.14 by namespace), so it is set only there. The kernel never holds root to it.
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
from typing import Final, NamedTuple, NoReturn

CANNOT_START: Final = 127
"""Exit status when the program cannot be executed, as shells have it."""

_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""An ignored signal stays ignored over exec, and programs expect these two to end them."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000

_libc: Final = ctypes.CDLL(None, use_errno=True)


class Stopped(Exception):
    """SIGTERM came."""


class Holds(NamedTuple):
    """What a program is held by, in the order of the arguments."""

    cpu_seconds: int
    memory_bytes: int
    file_bytes: int
    processes: int
    network: int
    """1: it may have the network."""
    uid: int
    """-1: the worker's own user."""
    gid: int


def main(arguments: list[str]) -> int:
    """Run the program; its exit status, or 128 and the signal that ended it."""
    if not arguments:
        return 0 if _separate() else 1
    parent, *numbers = (int(text) for text in arguments[: 1 + len(Holds._fields)])
    holds, command = Holds(*numbers), arguments[1 + len(Holds._fields) :]
    signal.signal(signal.SIGTERM, _stop)
    _adopt()
    if os.getppid() != parent:
        return 128 + signal.SIGTERM
    status = 128 + signal.SIGTERM
    try:
        status = _wait(_start(command, holds))
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
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _start(command: list[str], holds: Holds) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        _hold(holds)
        os.execvp(command[0], command)  # noqa: S606 - there is no shell on purpose
    except (OSError, ValueError) as error:
        os.write(2, f"{command[0]}: cannot be started: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(CANNOT_START)


def _hold(holds: Holds) -> None:
    if holds.uid >= 0:  # 1
        if not holds.network:
            _libc.unshare(_CLONE_NEWNET)  # root always may, another user not on every machine
        os.setgroups([])
        os.setgid(holds.gid)
        os.setuid(holds.uid)
    if not holds.network and _separate():  # 2
        _lower(resource.RLIMIT_NPROC, holds.processes)
    _lower(resource.RLIMIT_CPU, holds.cpu_seconds)  # 3
    _lower(resource.RLIMIT_AS, holds.memory_bytes)
    _lower(resource.RLIMIT_FSIZE, holds.file_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # 4


def _separate() -> bool:
    """Enter a new user and network namespace as the same user; false where this kernel does not let one."""
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    with contextlib.suppress(OSError):  # without a map it is nobody inside, and as much held
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True


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
