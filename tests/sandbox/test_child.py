"""The loop of a child, run on a thread of its own here; confined and forked it is in ``test_pool``."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sampler.limits import FRAME_MAX_BYTES, TEXT_MAX_CHARACTERS
from sampler.sandbox.child import MARK_BYTES, reason_of, serve
from sampler.sandbox.framing import receive_frame, send_frame

Handler = Callable[[bytes, int], bytes]


@pytest.fixture
def served() -> Iterator[Callable[[Handler], socket.socket]]:
    """The agent's end of a served socket; the loop ends when that end closes."""
    opened: list[tuple[socket.socket, socket.socket, threading.Thread]] = []

    def start(handle: Handler) -> socket.socket:
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=serve, args=(theirs, handle))
        thread.start()
        opened.append((ours, theirs, thread))
        return ours

    yield start
    for ours, theirs, thread in opened:
        ours.close()
        thread.join(10)
        assert not thread.is_alive(), "the loop goes on after the agent has closed"
        theirs.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ask(peer: socket.socket, request: bytes, descriptor: int) -> bytes:
    mark = os.urandom(MARK_BYTES)
    send_frame(peer, mark + request, (descriptor,), deadline_seconds=10)
    received = receive_frame(peer, deadline_seconds=10)
    assert received is not None
    assert received[0].startswith(mark)
    return received[0].removeprefix(mark)


def test_answers_one_after_the_other(served: Callable[[Handler], socket.socket], descriptor: int) -> None:
    """Each request is answered from its own descriptor, which is closed afterwards."""
    peer = served(lambda request, object_: request + os.pread(object_, 7, 0))
    assert ask(peer, b"a ", descriptor) == b"\0a content"
    before = open_descriptors()
    assert ask(peer, b"b ", descriptor) == b"\0b content"
    assert open_descriptors() == before


def test_an_error_is_an_answer(
    served: Callable[[Handler], socket.socket], descriptor: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """What one object does to the handler is told with its type, logged with its traceback, and ends nothing."""

    def handle(request: bytes, object_: int) -> bytes:
        if request == b"bad":
            raise ArithmeticError("no \udcff")
        return request

    peer = served(handle)
    assert ask(peer, b"bad", descriptor) == b"\1ArithmeticError: no \\udcff"
    assert ask(peer, b"good", descriptor) == b"\0good"
    assert "Traceback" in capfd.readouterr().err


def test_an_answer_that_is_too_long(
    served: Callable[[Handler], socket.socket], descriptor: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """An answer above the ceiling is replaced by the reason."""
    peer = served(lambda request, object_: bytes(FRAME_MAX_BYTES))
    assert ask(peer, b"", descriptor).startswith(b"\1FrameError: a frame of")
    assert "FrameError" in capfd.readouterr().err


def test_reasons_are_short() -> None:
    """The reason of an error with a long message is cut."""
    assert len(reason_of(ValueError("x" * 5000))) == TEXT_MAX_CHARACTERS
