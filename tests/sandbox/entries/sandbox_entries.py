"""Entry functions that the sandbox's tests have the nursery call, and what their children do on request."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import select
import signal
import socket
import stat
import struct
import sys
import time
from typing import Any

from sampler.limits import FRAME_MAX_BYTES
from sampler.sandbox import Prepared
from sampler.sandbox.child import MARK_BYTES

_LIBC = ctypes.CDLL(None, use_errno=True)
_MACHINE = os.uname().machine
_LEAKED: list[bytes] = []
_MAPPED: list[mmap.mmap] = []


def prepare(settings: bytes) -> Prepared:
    """The report is the settings; children do what the request says."""
    return Prepared(handle, settings)


def prepare_looking(settings: bytes) -> Prepared:
    """The report is what the nursery can see of the world."""
    return Prepared(handle, surroundings())


def prepare_failing(settings: bytes) -> Prepared:
    """There is no way to prepare this."""
    raise LookupError("the rules of \udcff are missing")


def prepare_nothing(settings: bytes) -> Any:
    """Not what an entry has to return."""
    return settings


def prepare_forever(settings: bytes) -> Prepared:
    """Never returns."""
    while True:
        time.sleep(3600)


def handle(request: bytes, descriptor: int) -> bytes:
    """Do what the request says; the object behind the descriptor is only read by ``read``."""
    return _ACTIONS[request.split()[0].decode()](request, descriptor)


def surroundings() -> bytes:
    """Environment, kinds of descriptors and number of this process, as JSON."""
    descriptors = {name: kind for name in range(1024) if (kind := _kind(name)) is not None}
    return json.dumps({"environment": dict(os.environ), "descriptors": descriptors, "pid": os.getpid()}).encode()


def _kind(descriptor: int) -> str | None:
    """What a descriptor is, by the one call that cannot be given a name instead (fstat(2))."""
    number, offset = {"x86_64": (5, 24), "aarch64": (80, 16)}[_MACHINE]
    found = ctypes.create_string_buffer(256)
    if _LIBC.syscall(number, descriptor, found) != 0:
        return None
    (mode,) = struct.unpack_from("=I", found, offset)
    return {stat.S_IFREG: "file", stat.S_IFCHR: "device", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}.get(
        stat.S_IFMT(mode), "other"
    )


def _die(request: bytes, descriptor: int) -> bytes:
    os.write(descriptor, b"x")
    os.kill(os.getpid(), signal.SIGKILL)
    return b"never said"


def _raise(request: bytes, descriptor: int) -> bytes:
    raise ArithmeticError("this object \udcff is beyond me")


def _exhaust(request: bytes, descriptor: int) -> bytes:
    hoard = [bytearray(16 << 20) for _ in range(1 << 20)]
    return str(len(hoard)).encode()


def _leak(request: bytes, descriptor: int) -> bytes:
    """Keep as much memory as the request says, written to, and tell the process."""
    _LEAKED.append(b"x" * int(request.split()[1]))
    return str(os.getpid()).encode()


def _borrow(request: bytes, descriptor: int) -> bytes:
    """Use as much memory as the request says, give it back, and tell the process."""
    assert bytes(int(request.split()[1])).count(0)
    return str(os.getpid()).encode()


def _map(request: bytes, descriptor: int) -> bytes:
    """Have every page of the object mapped, still so at the end, and tell the process."""
    content = mmap.mmap(descriptor, os.lseek(descriptor, 0, os.SEEK_END), access=mmap.ACCESS_READ)
    assert content.find(b"absent") < 0
    _MAPPED.append(content)
    return str(os.getpid()).encode()


def _raw(request: bytes, descriptor: int) -> bytes:
    """Write bytes that are no answer on the child's own socket, then end."""
    _socket().sendall(request.partition(b" ")[2])
    os._exit(0)


def _overlong(request: bytes, descriptor: int) -> bytes:
    """Announce a frame above the ceiling and go on writing until killed."""
    peer = _socket()
    peer.sendall(struct.pack(">I", FRAME_MAX_BYTES + 1))
    while True:
        peer.sendall(bytes(1 << 16))


def _hang() -> bytes:
    while True:
        select.poll().poll(1000)


def _babble(request: bytes, descriptor: int) -> bytes:
    """Fill the log, then answer."""
    os.write(2, b"\xff nonsense\n" * 100_000)
    return b"said it all"


def _too_long(request: bytes, descriptor: int) -> bytes:
    return bytes(FRAME_MAX_BYTES)


def _twice(request: bytes, descriptor: int) -> bytes:
    """Answer once in this object's name and once in the next one's."""
    forged = _mark() + b"\0forged"
    _socket().sendall(struct.pack(">I", len(forged)) + forged)
    return b"for the next one"


def _hand_over(request: bytes, descriptor: int) -> bytes:
    """Try to slip a descriptor to the agent along with the answer."""
    answer = _mark() + b"\0took it?"
    peer = _socket()
    socket.send_fds(peer, [struct.pack(">I", len(answer)) + answer], [peer.fileno()])
    return b"unasked"


def _wait(request: bytes, descriptor: int) -> bytes:
    """Say on the descriptor that work has begun, and wait until told to go on."""
    os.write(descriptor, b"begun")
    return os.read(descriptor, 16)


def _try_what_is_forbidden(request: bytes, descriptor: int) -> bytes:
    """Name what a confined process may still do."""
    return ",".join(name for name, deed in _FORBIDDEN.items() if _succeeds(deed)).encode()


def _succeeds(deed: Any) -> bool:
    try:
        deed()
    except OSError:
        return False
    return True


def _open_many() -> None:
    for _ in range(64):
        os.dup(0)


_FORBIDDEN = {"open-many": _open_many}


def _mark() -> bytes:
    """The mark of the present request, which hostile code finds in the memory of its process."""
    mark: bytes = _locals_of("_serve_one")["request"][:MARK_BYTES]
    return mark


def _socket() -> socket.socket:
    """The child's own socket, found the same way."""
    peer: socket.socket = _locals_of("_serve_one")["peer"]
    return peer


def _locals_of(function: str) -> dict[str, Any]:
    frame = sys._getframe()
    while frame.f_code.co_name != function:
        assert frame.f_back is not None
        frame = frame.f_back
    return frame.f_locals


_ACTIONS = {
    "read": lambda request, descriptor: os.pread(descriptor, 1 << 20, 0),
    "pid": lambda request, descriptor: str(os.getpid()).encode(),
    "look": lambda request, descriptor: surroundings(),
    "long": lambda request, descriptor: bytes(FRAME_MAX_BYTES - MARK_BYTES - 1),
    "hang": lambda request, descriptor: _hang(),
    "die": _die,
    "raise": _raise,
    "exhaust": _exhaust,
    "leak": _leak,
    "borrow": _borrow,
    "map": _map,
    "raw": _raw,
    "overlong": _overlong,
    "too-long": _too_long,
    "twice": _twice,
    "babble": _babble,
    "hand-over": _hand_over,
    "wait": _wait,
    "forbidden": _try_what_is_forbidden,
}
