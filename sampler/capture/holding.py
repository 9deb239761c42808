"""A process that is held while it is read: by a pidfd, and by a descriptor of its memory.

The order, so that nothing is read of a process that the peer may not read: (1) see the process and hold it by a pidfd;
(2) open its memory and read its map on a thread that has the peer's rights and no capability, so that the kernel
applies the rules of ptrace(2) to the peer; (3) see it again: it is still the one of (1). The descriptor of the memory
stays with the program that the process ran then (proc(5)): after execve(2) it reads as ended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sampler.limits import MEMORY_MAP_MAX_BYTES, OPEN_DEADLINE_SECONDS, PROCESS_ID_MAX
from sampler.model import Failure, ObjectState, Peer, Problem
from sampler.runtime.deadlines import StillHanging
from sampler.runtime.process_sighting import Sighting
from sampler.runtime.rights import RightsUnavailable, with_rights_of

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenProcess:
    """A process whose memory can be read; whoever got it closes it."""

    seen: Sighting
    pidfd: int
    memory: int
    """/proc/PID/mem, open for reading."""
    map_text: bytes
    """Of /proc/PID/maps."""

    def close(self) -> None:
        """Let go of it."""
        os.close(self.memory)
        os.close(self.pidfd)

    def what_became(self) -> Problem | None:
        """What happened to it since it was opened; ``None``: it runs, and runs the same program."""
        now = None
        with suppress(PermissionError):
            now = Sighting.of(self.seen.pid)
        if now is None or now.has_ended or now.started != self.seen.started:
            return Problem("capture", "target-ended", f"process {self.seen.pid} ended while it was read")
        if now.program != self.seen.program:
            return Problem(
                "capture", "target-changed", f"process {self.seen.pid} ran another program while it was read"
            )
        return None


def open_process(pid: int, started: int | None, peer: Peer) -> OpenProcess | Failure:
    """Hold a process and open its memory with the peer's rights. Blocking.

    Args:
        pid: its number.
        started: clock ticks since boot when the peer saw it begin; another process of that number is not opened.
        peer: whose rights count.
    """
    if not 0 < pid <= PROCESS_ID_MAX:
        return _absent(pid)
    try:
        seen, pidfd = Sighting.of(pid), os.pidfd_open(pid)
    except PermissionError:
        return _unreadable("permission", f"process {pid} may not be seen")
    except OSError:
        return _absent(pid)
    opened: OpenProcess | Failure = _absent(pid)
    try:
        opened = (_unfit(pid, seen, started) or _open(seen, pidfd, peer)) if seen is not None else opened
        return opened
    finally:
        if isinstance(opened, Failure):
            os.close(pidfd)


def _unfit(pid: int, seen: Sighting, started: int | None) -> Failure | None:
    if pid == os.getpid():
        return _unreadable("own-process", f"process {pid} is the agent itself, whose keys do not leave")
    if seen.is_kernel_thread:
        return _unreadable("kernel-thread", f"process {pid} is a thread of the kernel and has no memory of its own")
    if seen.has_ended:
        return Failure(ObjectState.VANISHED, "zombie", f"process {pid} has ended; its parent has not noticed yet")
    if started is not None and started != seen.started:
        return Failure(ObjectState.VANISHED, "target-ended", f"process {pid} ended, and another one has its number")
    return None


def _open(seen: Sighting, pidfd: int, peer: Peer) -> OpenProcess | Failure:
    try:
        memory, map_text = with_rights_of(
            peer, partial(_open_memory, seen.pid), deadline_seconds=OPEN_DEADLINE_SECONDS, discard=_discard
        )
    except PermissionError:
        return _unreadable("permission", f"the kernel does not let the one who asked read process {seen.pid}")
    except RightsUnavailable as error:
        return _unreadable("other-user", f"process {seen.pid} cannot be read with your rights: {error}")
    except (StillHanging, TimeoutError) as error:
        return Failure(ObjectState.TIMED_OUT, "deadline", f"process {seen.pid} could not be opened: {error}")
    except OSError:
        return _absent(seen.pid)
    process = OpenProcess(seen, pidfd, memory, map_text)
    problem = process.what_became()
    if problem is None:
        return process
    os.close(memory)
    return Failure(ObjectState.VANISHED, problem.code, problem.detail)


def _open_memory(pid: int) -> tuple[int, bytes]:
    """The memory's descriptor, and the map; runs on the thread that has the peer's rights."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return memory, _map_of(pid)
    except BaseException:
        os.close(memory)
        raise


def _map_of(pid: int) -> bytes:
    handle = os.open(f"/proc/{pid}/maps", os.O_RDONLY | os.O_CLOEXEC)
    text = bytearray()
    try:
        while len(text) < MEMORY_MAP_MAX_BYTES and (piece := os.read(handle, _READ_BYTES)):
            text += piece
    finally:
        os.close(handle)
    return bytes(text)


def _discard(late: tuple[int, bytes]) -> None:
    os.close(late[0])


def _unreadable(code: str, detail: str) -> Failure:
    return Failure(ObjectState.UNREADABLE, code, detail)


def _absent(pid: int) -> Failure:
    return Failure(ObjectState.VANISHED, "absent", f"there is no process {pid}")
