"""A request with a descriptor, answered by whoever listens on the socket: an answer, or ``AgentUnreachable``.

The listener is one thread that writes the input and closes its side.
"""

from __future__ import annotations

import functools
import os
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.target import Target
from sampler.errors import AgentUnreachable
from sampler.intake.descriptor_call import post_with_descriptor
from sampler.limits import ANSWER_MAX_BYTES, MIB


class _Listener:
    """Answers each connection with the bytes that were put into its queue."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self.path = Path(self._folder.name, "agent.sock")
        self.answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self.path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                connection.sendall(self.answers.get())
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            self.ended.put(None)


def one_input(data: bytes) -> None:
    """An answer with a status and a body within the ceiling, or ``AgentUnreachable``."""
    listener = _listener()
    listener.answers.put(data)
    try:
        with open(os.devnull, "rb") as passed:
            answer = post_with_descriptor(listener.path, "/v1/flag", passed.fileno(), b"{}", timeout_seconds=5)
        assert 100 <= answer.status <= 999
        assert len(answer.body) <= ANSWER_MAX_BYTES + 1
    except AgentUnreachable as error:
        assert str(error)
    finally:
        listener.ended.get()


@functools.cache
def _listener() -> _Listener:
    return _Listener()


def _seeds() -> Iterator[bytes]:
    yield b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    yield b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 500 \r\n\r\n"
    yield b""


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"HTTP/1.1 ", b"\r\n\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Retry-After: ", b" 100 ",
        b"ffffffff\r\n", b"-1", b"0\r\n\r\n",
    ),
    prepare=_listener,
    memory_max_bytes=64 * MIB,
)  # fmt: skip
