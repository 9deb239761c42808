"""The system-call filter: a child makes the calls listed here, and any other one ends it (seccomp(2)).

The list is what examining every sample needs (seen with strace(1)), and what Python does on its way out. None of it
opens, creates, connects, signals, forks or executes anything. Calls that open or look at a file by name are refused
with an error instead of death: Python makes them to show a traceback, the C library to find the time zone; both go on.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from sampler.sandbox.kernel import syscall
from sampler.sandbox.messages import Confinement

_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1
"""SECCOMP_FILTER_FLAG_TSYNC."""
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_ALLOW: Final = 0x7FFF0000

_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_X32_BIT: Final = 0x40000000

_NUMBER_OFFSET: Final = 0
_ARCHITECTURE_OFFSET: Final = 4
_ARGUMENTS_OFFSET: Final = 16

_PROT_EXEC: Final = 4
_F_DUPFD_CLOEXEC: Final = 1030
_NOT_READING: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o10000000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_PATH and O_TMPFILE."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The numbers of one architecture (``audit.h``, ``unistd.h`` of the kernel)."""

    audit: int
    has_x32: bool
    allowed: dict[str, int]
    not_executable: dict[str, int]
    """Allowed unless the third argument, the protection, asks for execution."""
    limited: dict[str, tuple[int, int]]
    """Allowed if the second argument is the given one."""
    refused: dict[str, int]
    """Answered with EACCES."""
    reading: dict[str, int] = field(default_factory=dict)
    """Allowed unless the third argument, the flags, asks for more than reading what is there."""

    @property
    def that_opens(self) -> Machine:
        """For a child that has files of its own to open for reading, and gets no further request."""
        return replace(
            self,
            allowed={name: number for name, number in self.allowed.items() if name != "recvmsg"},
            refused={name: number for name, number in self.refused.items() if name != "openat"},
            reading={"openat": self.refused["openat"]},
        )


MACHINES: Final = {
    "x86_64": Machine(
        audit=0xC000003E,
        has_x32=True,
        allowed={
            "read": 0,
            "write": 1,
            "pread64": 17,
            "lseek": 8,
            "close": 3,
            "fstat": 5,
            "recvmsg": 47,
            "sendto": 44,
            "poll": 7,
            "munmap": 11,
            "mremap": 25,
            "brk": 12,
            "madvise": 28,
            "rt_sigaction": 13,
            "rt_sigprocmask": 14,
            "rt_sigreturn": 15,
            "restart_syscall": 219,
            "futex": 202,
            "clock_gettime": 228,
            "gettimeofday": 96,
            "getpid": 39,
            "getrandom": 318,
            "exit": 60,
            "exit_group": 231,
        },
        not_executable={"mmap": 9, "mprotect": 10},
        limited={"fcntl": (72, _F_DUPFD_CLOEXEC)},
        refused={"newfstatat": 262, "stat": 4, "lstat": 6, "openat": 257},
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        has_x32=False,
        allowed={
            "read": 63,
            "write": 64,
            "pread64": 67,
            "lseek": 62,
            "close": 57,
            "fstat": 80,
            "recvmsg": 212,
            "sendto": 206,
            "ppoll": 73,
            "munmap": 215,
            "mremap": 216,
            "brk": 214,
            "madvise": 233,
            "rt_sigaction": 134,
            "rt_sigprocmask": 135,
            "rt_sigreturn": 139,
            "restart_syscall": 128,
            "futex": 98,
            "clock_gettime": 113,
            "gettimeofday": 169,
            "getpid": 172,
            "getrandom": 278,
            "exit": 93,
            "exit_group": 94,
        },
        not_executable={"mmap": 222, "mprotect": 226},
        limited={"fcntl": (25, _F_DUPFD_CLOEXEC)},
        refused={"newfstatat": 79, "openat": 56},
    ),
}


def filter_calls(*, opening: bool = False) -> Confinement:
    """Put the filter on all threads for good; needs "no new privileges" to be set.

    Args:
        opening: let files be opened for reading, as far as anything else lets them.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return Confinement((), (f"seccomp (unknown machine {platform.machine()})",))
    try:
        _install(program(machine.that_opens if opening else machine))
    except OSError as error:
        return Confinement((), (f"seccomp ({error.strerror})",))
    return Confinement(("seccomp",))


def program(machine: Machine) -> bytes:
    """The filter as classic BPF, ``struct sock_filter`` after ``struct sock_filter`` (seccomp(2), "Filters")."""
    return b"".join(_instructions(machine))


def _instructions(machine: Machine) -> Iterator[bytes]:
    yield _load(_ARCHITECTURE_OFFSET)
    yield from _unless(_JUMP_EQUAL, machine.audit, _KILL_PROCESS)
    yield _load(_NUMBER_OFFSET)
    if machine.has_x32:
        yield from _if(_JUMP_AT_LEAST, _X32_BIT, _KILL_PROCESS)
    for number in machine.allowed.values():
        yield from _if(_JUMP_EQUAL, number, _ALLOW)
    for number in machine.not_executable.values():
        yield from _if_argument(number, 2, _JUMP_ANY_BIT, _PROT_EXEC, then=_KILL_PROCESS, otherwise=_ALLOW)
    for number, value in machine.limited.values():
        yield from _if_argument(number, 1, _JUMP_EQUAL, value, then=_ALLOW, otherwise=_KILL_PROCESS)
    for number in machine.reading.values():
        yield from _if_argument(number, 2, _JUMP_ANY_BIT, _NOT_READING, then=_KILL_PROCESS, otherwise=_ALLOW)
    for number in machine.refused.values():
        yield from _if(_JUMP_EQUAL, number, _ERRNO | errno.EACCES)
    yield _return(_KILL_PROCESS)


def _if(comparison: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _instruction(comparison, 0, 1, value)
    yield _return(verdict)


def _unless(comparison: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _instruction(comparison, 1, 0, value)
    yield _return(verdict)


def _if_argument(
    number: int, position: int, comparison: int, value: int, *, then: int, otherwise: int
) -> Iterator[bytes]:
    """For one call, judge the lower half of an argument; both machines keep it first; it is all that counts."""
    yield _instruction(_JUMP_EQUAL, 0, 4, number)
    yield _load(_ARGUMENTS_OFFSET + 8 * position)
    yield from _if(comparison, value, then)
    yield _return(otherwise)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, 0, 0, offset)


def _return(verdict: int) -> bytes:
    return _instruction(_RETURN, 0, 0, verdict)


def _instruction(code: int, if_true: int, if_false: int, operand: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)


def _install(code: bytes) -> None:
    """Put the filter on every thread of this process, or on none (SECCOMP_FILTER_FLAG_TSYNC)."""
    instructions = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)))
    refusing = syscall(_SECCOMP[platform.machine()], _SET_MODE_FILTER, _ALL_THREADS, header)
    if refusing:
        raise OSError(errno.EBUSY, f"thread {refusing} cannot be filtered")
