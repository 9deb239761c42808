"""Whether something starts a program by itself: its systemd unit, cron, or an autostart entry of a desktop.

Only which of these is told: what a unit or an entry is called can name a person.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sampler.limits import KIB

_FILES_MAX_COUNT: Final = 256
_FILE_MAX_BYTES: Final = 64 * KIB
_CRON: Final = ("/etc/crontab", "/etc/cron.d", "/var/spool/cron/crontabs")
_DESKTOP: Final = "/etc/xdg/autostart"


def autostarts(pid: int, program: bytes | None, uid: int) -> tuple[str, ...]:
    """``systemd``, ``cron`` and ``xdg``, those of them that start it.

    Args:
        pid: the process.
        program: the path of what it runs.
        uid: whose process it is.
    """
    found = ["systemd"] if _is_service(pid) else []
    if program:
        found += ["cron"] if _is_named(program, _CRON) else []
        found += ["xdg"] if _is_named(program, (_DESKTOP, *_own_folder(uid))) else []
    return tuple(found)


def _is_service(pid: int) -> bool:
    """Whether its control group is that of a service (systemd.service(5)), and not of a session."""
    lines = _read(f"/proc/{pid}/cgroup").splitlines()
    units = (line.rpartition(b"/")[2] for line in lines)
    return any(unit.endswith(b".service") and not unit.startswith(b"user@") for unit in units)


def _own_folder(uid: int) -> tuple[str, ...]:
    try:
        return (f"{pwd.getpwuid(uid).pw_dir}/.config/autostart",)
    except KeyError:
        return ()


def _is_named(program: bytes, places: tuple[str, ...]) -> bool:
    return any(program in _read(file) for place in places for file in _files(place))


def _files(place: str) -> Iterator[str]:
    try:
        with os.scandir(place) as entries:
            for _, entry in zip(range(_FILES_MAX_COUNT), entries, strict=False):
                yield entry.path
    except NotADirectoryError:
        yield place
    except OSError:
        return


def _read(path: str) -> bytes:
    """The beginning of a regular file; nothing of what cannot be read, or would keep whoever reads it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _FILE_MAX_BYTES) if Path(f"/proc/self/fd/{descriptor}").is_file() else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
