"""System calls that Python has no function for, as the parts of the confinement make them."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any, Final

_libc = ctypes.CDLL(None, use_errno=True)
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}


def syscall(number: int, *arguments: Any) -> int:
    """Make one system call (syscall(2)); integers are passed as the kernel's longs.

    Raises:
        OSError: the kernel refused it.
    """
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in (number, *arguments)]
    return _checked(_libc.syscall(*passed))


def prctl(option: int, value: int, argument: Any = 0) -> None:
    """Change one property of this process (prctl(2)).

    Raises:
        OSError: the kernel refused it.
    """
    third = ctypes.c_ulong(argument) if isinstance(argument, int) else argument
    _checked(_libc.prctl(option, ctypes.c_ulong(value), third, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def unshare(namespaces: int) -> None:
    """Leave namespaces for new ones (unshare(2)).

    Raises:
        OSError: the kernel refused it.
    """
    _checked(_libc.unshare(namespaces))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Attach a file system or file, or change how one is attached (mount(2)).

    Raises:
        OSError: the kernel refused it.
    """
    texts = (os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _checked(_libc.mount(*texts))


def make_root(folder: str) -> None:
    """Make a mounted folder the root of this process, and let go of the old one (pivot_root(2), "Notes").

    Raises:
        OSError: the kernel refused it; the old root may still be there.
    """
    os.chdir(folder)
    syscall(_PIVOT_ROOT[platform.machine()], b".", b".")
    _checked(_libc.umount2(b".", 2))  # MNT_DETACH: of the two that are stacked there now, the old one
    os.chdir("/")


def open_files_as(user: int) -> None:
    """Have files opened as that user's from now on, and nothing else done as that user (setfsuid(2)).

    Raises:
        PermissionError: the kernel refused it.
    """
    _libc.setfsuid(user)
    if _libc.setfsuid(-1) != user:  # it tells what is set, and never that it failed
        raise PermissionError(f"cannot open files as the user {user}")


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
