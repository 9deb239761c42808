"""A root with nothing in it but the files through which one process's memory is read (proc(5)).

They are mounted one by one: beside them in /proc/PID lie links to everything that the process has open, and to its
root. Whoever opens them does so as their owner, so that no capability over files is needed. They keep showing the
process that they were mounted of, whoever gets its number later.
"""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Final

from sampler.sandbox.kernel import make_root, mount, open_files_as
from sampler.sandbox.messages import Confinement

FILES: Final = ("maps", "mem", "pagemap")
"""What libyara opens of a process."""

_PLACE: Final = "/dev"
"""Where the new root is put together: a folder that every system has, covered for this process alone."""
_NOSUID_NODEV_NOEXEC: Final = 0b1110
_READ_ONLY: Final = 1
_REMOUNT: Final = 0x20
_BIND: Final = 0x1000
_REC_PRIVATE: Final = 0x4000 | 0x40000
_FDINFO_MAX_BYTES: Final = 4096


def is_running(pidfd: int) -> bool:
    """Whether a process has not ended (a pidfd becomes readable when it does)."""
    watch = select.poll()
    watch.register(pidfd, select.POLLIN)
    return not watch.poll(0)


def pid_of(pidfd: int) -> int:
    """The number of a process, as this process's /proc shows it (pidfd_open(2), "fdinfo"); -1 if it has ended."""
    with open(f"/proc/self/fdinfo/{pidfd}", "rb") as file:
        text = file.read(_FDINFO_MAX_BYTES)
    return int(text.partition(b"\nPid:")[2].split()[0])


def see_only(target: int, separated: Confinement) -> Confinement:
    """Have this process see the target's three files only, and open them as their owner, if it has mounts of its own.

    Args:
        target: a pidfd.
        separated: what came of asking for namespaces; without a mount namespace nothing is done.

    Raises:
        OSError: the files are not there: it has ended; or they cannot be opened as their owner.
    """
    if separated.missing:
        return separated
    folder = Path("/proc", str(pid_of(target)))
    owner = (folder / "mem").stat().st_uid
    try:
        _make_root_of(folder)
    except OSError as error:
        outcome = Confinement((), (f"empty root ({error.strerror})",))
    else:
        outcome = Confinement(("empty root",))
    open_files_as(owner)
    return separated + outcome


def _make_root_of(folder: Path) -> None:
    mount("none", "/", "", _REC_PRIVATE)
    mount("none", _PLACE, "tmpfs", _NOSUID_NODEV_NOEXEC, "size=64k,mode=0755")
    shown = Path(_PLACE + os.fspath(folder))
    shown.mkdir(parents=True, mode=0o755)
    for name in FILES:
        (shown / name).touch()
        mount(os.fspath(folder / name), os.fspath(shown / name), "", _BIND)
    make_root(_PLACE)
    mount("none", "/", "", _REMOUNT | _READ_ONLY | _NOSUID_NODEV_NOEXEC)
