"""The small parent of the children: ``python -m sampler.sandbox.nursery SOCKET PARENT``.

It imports the entry function, calls it once, and then forks children on request, so that what was prepared (compiled
rules, warmed libraries) is shared by all of them. It is single-threaded, has an empty environment and no descriptor but
its socket and the pipe for its log; it never held a key, a token or a connection. It never reads an object.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import socket
import sys
import traceback
from typing import NoReturn

from sampler.sandbox.child import Prepared, reason_of, serve, serve_process
from sampler.sandbox.confinement import (
    ConfinementError,
    confine,
    confine_to_process,
    die_with_parent,
    hide_memory,
    keep_only,
)
from sampler.sandbox.framing import receive_frame, send_frame
from sampler.sandbox.messages import (
    Confinement,
    Failed,
    Fork,
    Forked,
    Profile,
    Warm,
    Warmed,
    encode,
    encode_confinement,
    to_confinement,
    to_nursery,
)


class Nursery:
    """Forks children for the agent at the other end of ``control`` and reaps them."""

    def __init__(self, control: socket.socket, prepared: Prepared, warm: Warm, expected: Confinement) -> None:
        self._control = control
        self._prepared = prepared
        self._memory_max_bytes = warm.memory_max_bytes
        self._profile = warm.profile
        self._expected = expected
        self._pidfds: dict[int, int] = {}
        """Each living child's pidfd and pid."""

    def run(self) -> None:
        """Serve until the agent closes its end."""
        watch = select.poll()
        watch.register(self._control, select.POLLIN)
        while True:
            for descriptor, _ in watch.poll():
                if descriptor in self._pidfds:
                    watch.unregister(descriptor)
                    self._reap(descriptor)
                elif (pidfd := self._serve_one()) is not None:
                    watch.register(pidfd, select.POLLIN)
                else:
                    return

    def _serve_one(self) -> int | None:
        """Fork the child that is asked for and return its pidfd; ``None`` when the agent has closed."""
        received = receive_frame(self._control)
        if received is None or not isinstance(to_nursery(received[0]), Fork):
            return None
        return self._fork()

    def _fork(self) -> int:
        ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(childs, parent)
        pidfd = os.pidfd_open(pid)
        self._pidfds[pidfd] = pid
        with ours, childs:
            send_frame(self._control, encode(Forked(pid)), (ours.fileno(), pidfd))
        return pidfd

    def _be_child(self, peer: socket.socket, parent: int) -> NoReturn:
        status = 1
        try:
            keep_only((0, 1, 2, peer.fileno()))
            die_with_parent(parent)
            self._serve(peer, parent)
            status = 0
        except Exception:  # noqa: BLE001  # the process boundary: the agent sees the socket end and reads the log
            traceback.print_exc(limit=-8)
        finally:
            os._exit(status)  # no exit handler of what the nursery imported may run here

    def _serve(self, peer: socket.socket, parent: int) -> None:
        def confine_to(pidfd: int) -> None:
            self._check(confine_to_process(pidfd, parent=parent, memory_max_bytes=self._memory_max_bytes))

        if self._profile is Profile.PROCESS:
            serve_process(peer, self._prepared.handle, confine_to)
        else:
            self._check(confine(memory_max_bytes=self._memory_max_bytes))
            serve(peer, self._prepared.handle)

    def _check(self, held: Confinement) -> None:
        if held != self._expected:
            raise ConfinementError(f"this child is held by {held}; the agent was told: {self._expected}")

    def _reap(self, pidfd: int) -> None:
        os.waitpid(self._pidfds.pop(pidfd), 0)
        os.close(pidfd)


def prepare(warm: Warm) -> Prepared:
    """Import the entry and call it; what it made is then kept out of the collector's way, so children share it.

    Raises:
        Exception: whatever importing or calling it raises.
    """
    sys.path[:] = [os.fsdecode(entry) for entry in warm.search_path]
    module, _, function = warm.entry.partition(":")
    prepared = getattr(importlib.import_module(module), function)(warm.settings)
    if not isinstance(prepared, Prepared):
        raise TypeError(f"{warm.entry} returned {type(prepared).__name__}, not Prepared")
    gc.collect()
    gc.freeze()
    return prepared


def try_confinement(warm: Warm) -> Confinement:
    """What a child can be confined to here, found out by a child that does nothing else.

    Raises:
        ConfinementError: it could not be confined at all.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _tell_confinement(writer, warm, parent)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        data = told.read()
    os.waitpid(pid, 0)
    if not data:
        raise ConfinementError("a child on trial could not be confined; the log says why")
    return to_confinement(data)


def _tell_confinement(writer: int, warm: Warm, parent: int) -> NoReturn:
    try:
        os.write(writer, encode_confinement(_confine_on_trial(warm, parent)))
    except Exception:  # noqa: BLE001  # the process boundary: the nursery sees the pipe end
        traceback.print_exc(limit=-8)
    finally:
        os._exit(0)


def _confine_on_trial(warm: Warm, parent: int) -> Confinement:
    if warm.profile is Profile.PROCESS:
        itself = os.pidfd_open(os.getpid())
        return confine_to_process(itself, parent=parent, memory_max_bytes=warm.memory_max_bytes)
    return confine(memory_max_bytes=warm.memory_max_bytes)


def serve_agent(control: socket.socket) -> None:
    """Warm up as the first message says, tell the agent, and fork for it until it closes."""
    received = receive_frame(control)
    if received is None:
        return
    warm = to_nursery(received[0])
    if not isinstance(warm, Warm):
        raise TypeError("the first message must say what to prepare")
    try:
        prepared = prepare(warm)
        confinement = try_confinement(warm)
        answer = encode(Warmed(prepared.report, confinement))
    except Exception as error:  # noqa: BLE001  # the process boundary: the agent is told why there is no nursery
        traceback.print_exc(limit=-8)
        send_frame(control, encode(Failed(reason_of(error))))
        return
    send_frame(control, answer)
    Nursery(control, prepared, warm, confinement).run()


def main(arguments: list[str]) -> None:
    """The process: ``arguments`` are the control socket's descriptor and the agent's process id."""
    descriptor, parent = (int(argument) for argument in arguments)
    keep_only((0, 1, 2, descriptor))
    die_with_parent(parent)
    hide_memory()
    with socket.socket(fileno=descriptor) as control:
        serve_agent(control)


if __name__ == "__main__":
    main(sys.argv[1:])
