"""System calls that Python has no function for, as the parts of the confinement make them."""

from __future__ import annotations

import ctypes
import os
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)


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


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
