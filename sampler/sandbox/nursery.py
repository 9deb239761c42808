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

from sampler.sandbox.child import Prepared, reason_of, serve
from sampler.sandbox.confinement import ConfinementError, confine, die_with_parent, hide_memory, keep_only
from sampler.sandbox.framing import receive_frame, send_frame
from sampler.sandbox.messages import (
    Confinement,
    Failed,
    Fork,
    Forked,
    Warm,
    Warmed,
    encode,
    encode_confinement,
    to_confinement,
    to_nursery,
)


class Nursery:
    """Forks children for the agent at the other end of ``control`` and reaps them."""

    def __init__(
        self, control: socket.socket, prepared: Prepared, memory_max_bytes: int, expected: Confinement
    ) -> None:
        self._control = control
        self._prepared = prepared
        self._memory_max_bytes = memory_max_bytes
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
            held = confine(memory_max_bytes=self._memory_max_bytes)
            if held != self._expected:
                raise ConfinementError(f"this child is held by {held}; the agent was told: {self._expected}")
            serve(peer, self._prepared.handle)
            status = 0
        except Exception:  # noqa: BLE001  # the process boundary: the agent sees the socket end and reads the log
            traceback.print_exc(limit=-8)
        finally:
            os._exit(status)  # no exit handler of what the nursery imported may run here

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


def try_confinement(memory_max_bytes: int) -> Confinement:
    """What a child can be confined to here, found out by a child that does nothing else.

    Raises:
        ConfinementError: it could not be confined at all.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _tell_confinement(writer, memory_max_bytes)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        data = told.read()
    os.waitpid(pid, 0)
    if not data:
        raise ConfinementError("a child on trial could not be confined; the log says why")
    return to_confinement(data)


def _tell_confinement(writer: int, memory_max_bytes: int) -> NoReturn:
    try:
        os.write(writer, encode_confinement(confine(memory_max_bytes=memory_max_bytes)))
    except Exception:  # noqa: BLE001  # the process boundary: the nursery sees the pipe end
        traceback.print_exc(limit=-8)
    finally:
        os._exit(0)


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
        confinement = try_confinement(warm.memory_max_bytes)
        answer = encode(Warmed(prepared.report, confinement))
    except Exception as error:  # noqa: BLE001  # the process boundary: the agent is told why there is no nursery
        traceback.print_exc(limit=-8)
        send_frame(control, encode(Failed(reason_of(error))))
        return
    send_frame(control, answer)
    Nursery(control, prepared, warm.memory_max_bytes, confinement).run()


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
