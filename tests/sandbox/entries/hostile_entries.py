"""What code that took over a child would try, each act with an effect that its test can see from outside.

An act gets what it may need (a path, a port, a process) as the request's second word; its answer is the proof that it
went through. Nothing but the kernel stands in its way.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from sampler.sandbox import Prepared, dropping_pages, landlock

_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE: Final = 0x4206
_X32_GETPID: Final = 0x40000000 | 39


def prepare(settings: bytes) -> Prepared:
    """Children do what the request says."""
    return Prepared(handle, settings)


def prepare_without_landlock(settings: bytes) -> Prepared:
    """Make this nursery believe in a kernel that has no Landlock."""
    landlock._CREATE_RULESET = 4095  # type: ignore[misc]  # no such system call
    return Prepared(handle, settings)


def handle(request: bytes, descriptor: int) -> bytes:
    """Do the act that the request names; ``b"did it"`` unless it has more to say."""
    name, _, target = request.partition(b" ")
    if name == b"second-thread":
        return _on_second_thread(target, descriptor)
    return ACTS[name.decode()](target, descriptor) or b"did it"


class _Carrier(mmap.mmap):
    """What looks like a large mapping to the thread that drops pages, and has it do an act instead."""

    def __new__(cls, act: Callable[[], bytes]) -> Self:
        return super().__new__(cls, -1, mmap.PAGESIZE)

    def __init__(self, act: Callable[[], bytes]) -> None:
        self._act = act
        self.outcome: queue.SimpleQueue[tuple[int, bytes | BaseException]] = queue.SimpleQueue()

    def __len__(self) -> int:
        return 1 << 40

    def madvise(self, option: int, start: int = 0, length: int = 0) -> None:
        try:
            self.outcome.put((threading.get_ident(), self._act()))
        except BaseException as error:
            self.outcome.put((threading.get_ident(), error))
        raise OSError("once is enough")


def _on_second_thread(request: bytes, descriptor: int) -> bytes:
    carrier = _Carrier(lambda: handle(request, descriptor))
    with dropping_pages(carrier):
        thread, outcome = carrier.outcome.get(timeout=10)
    if thread == threading.get_ident():
        return b"there is no second thread"
    if isinstance(outcome, bytes):
        return outcome
    raise outcome


def _open(target: bytes, descriptor: int) -> bytes:
    return os.read(os.open(target, os.O_RDONLY), 100)


def _list(target: bytes, descriptor: int) -> bytes:
    return " ".join(each.name for each in Path(os.fsdecode(target)).iterdir()).encode()


def _stat(target: bytes, descriptor: int) -> bytes:
    return str(Path(os.fsdecode(target)).stat().st_size).encode()


def _stat_beside_the_descriptor(target: bytes, descriptor: int) -> bytes:
    return str(os.stat(target, dir_fd=descriptor).st_size).encode()


def _chmod(target: bytes, descriptor: int) -> None:
    Path(os.fsdecode(target)).chmod(0o777)


def _fchmod(target: bytes, descriptor: int) -> None:
    os.fchmod(descriptor, 0o777)


def _unlink(target: bytes, descriptor: int) -> None:
    os.unlink(target)


def _create(target: bytes, descriptor: int) -> None:
    os.write(os.open(target + b".new", os.O_WRONLY | os.O_CREAT, 0o600), b"taken over")


def _overwrite(target: bytes, descriptor: int) -> None:
    os.write(os.open(target, os.O_WRONLY), b"taken over")


def _memory_file(target: bytes, descriptor: int) -> None:
    os.memfd_create("stage-two")


def _tcp(target: bytes, descriptor: int) -> None:
    socket.create_connection(("127.0.0.1", int(target))).sendall(b"stolen")


def _udp(target: bytes, descriptor: int) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"stolen", ("127.0.0.1", int(target)))


def _unix(target: bytes, descriptor: int) -> None:
    socket.socket(socket.AF_UNIX).connect(target)


def _fork(target: bytes, descriptor: int) -> None:
    if os.fork() == 0:
        _signal(target, descriptor)
        os._exit(0)


def _thread(target: bytes, descriptor: int) -> None:
    thread = threading.Thread(target=_signal, args=(target, descriptor))
    thread.start()
    thread.join()


def _exec(target: bytes, descriptor: int) -> None:
    os.execv("/bin/sh", ["sh", "-c", f"kill -USR1 {int(target)}"])


def _signal(target: bytes, descriptor: int) -> None:
    os.kill(int(target), signal.SIGUSR1)


def _trace(target: bytes, descriptor: int) -> None:
    if _LIBC.ptrace(_PTRACE_SEIZE, int(target), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _read_memory(target: bytes, descriptor: int) -> bytes:
    pid, _, address = target.partition(b" ")
    taken = ctypes.create_string_buffer(16)
    ours, theirs = (ctypes.c_ulong * 2)(ctypes.addressof(taken), 16), (ctypes.c_ulong * 2)(int(address), 16)
    if _LIBC.process_vm_readv(int(pid), ours, 1, theirs, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return taken.raw


def _executable_memory(target: bytes, descriptor: int) -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _made_executable(target: bytes, descriptor: int) -> None:
    page = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    if _LIBC.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def _owner_of_signals(target: bytes, descriptor: int) -> None:
    """Have the kernel signal another process when the socket can be read (fcntl(2), F_SETOWN)."""
    if _LIBC.fcntl(descriptor, 8, int(target)) != 0:
        raise OSError(ctypes.get_errno(), "fcntl")


def _foreign_numbers(target: bytes, descriptor: int) -> None:
    """Call by the numbers of x32, which a filter that only compares numbers lets through."""
    _LIBC.syscall(_X32_GETPID)


def _linger(target: bytes, descriptor: int) -> None:
    """Wait to be looked at."""
    threading.Event().wait()


def _new_namespace(target: bytes, descriptor: int) -> None:
    if _LIBC.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


ACTS: Final[dict[str, Callable[[bytes, int], bytes | None]]] = {
    "nothing": lambda target, descriptor: None,
    "linger": _linger,
    "open": _open,
    "list": _list,
    "stat": _stat,
    "stat-beside-the-descriptor": _stat_beside_the_descriptor,
    "chmod": _chmod,
    "fchmod": _fchmod,
    "unlink": _unlink,
    "create": _create,
    "overwrite": _overwrite,
    "memory-file": _memory_file,
    "tcp": _tcp,
    "udp": _udp,
    "unix": _unix,
    "fork": _fork,
    "thread": _thread,
    "exec": _exec,
    "signal": _signal,
    "trace": _trace,
    "read-memory": _read_memory,
    "executable-memory": _executable_memory,
    "made-executable": _made_executable,
    "owner-of-signals": _owner_of_signals,
    "foreign-numbers": _foreign_numbers,
    "new-namespace": _new_namespace,
}
