"""What a child does: one frame and one descriptor in, one frame out, until its socket ends.

A request is a mark that the agent drew by chance, and then the handler's bytes. Its answer is the same mark, so that
nothing that was said before can be taken for it, one byte, ``ANSWERED`` or ``GAVE_UP``, and then the handler's bytes or
the reason in UTF-8.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sampler.limits import FRAME_MAX_BYTES, TEXT_MAX_CHARACTERS
from sampler.sandbox.assembling import Assembler
from sampler.sandbox.framing import HEADER, FrameError, check_length, close_all, header_of, receive_some_into

ANSWERED: Final = b"\0"
GAVE_UP: Final = b"\1"
MARK_BYTES: Final = 16
_DESCRIPTORS_MAX_COUNT: Final = 2
"""One belongs to a request; room for one more shows that more came."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an entry function returns in the nursery."""

    handle: Callable[[bytes, int], bytes]
    """Runs in each child: ``handle(request, descriptor)`` is the answer. The loop closes the descriptor."""
    report: bytes
    """For the agent: what was prepared."""


def serve(peer: socket.socket, handle: Callable[[bytes, int], bytes]) -> None:
    """Answer requests until the agent closes its end. An exchange usually costs one read and one write of the socket.

    Raises:
        FrameError, OSError: the agent broke the framing or is gone; the child has nothing left to do.
    """
    incoming = Assembler()
    while (received := _next_request(peer, incoming)) is not None:
        _serve_one(peer, handle, *received)


def serve_process(
    peer: socket.socket, handle: Callable[[bytes, int], bytes], confine_to: Callable[[int], None]
) -> None:
    """Answer one request, whose descriptor is the pidfd of the process that it is about, confined to that process.

    Until then the child is not confined: only now it is known to what. It has seen nothing hostile so far.

    Raises:
        Exception: what ``confine_to`` raises; or as ``serve``.
    """
    received = _next_request(peer, Assembler())
    if received is not None:
        request, pidfd = received
        confine_to(pidfd)
        _serve_one(peer, handle, request, pidfd)


def _serve_one(peer: socket.socket, handle: Callable[[bytes, int], bytes], request: bytes, descriptor: int) -> None:
    try:
        answer = request[:MARK_BYTES] + _answer(handle, request[MARK_BYTES:], descriptor)
    finally:
        os.close(descriptor)
    peer.sendall(header_of(answer) + answer)


def _next_request(peer: socket.socket, incoming: Assembler) -> tuple[bytes, int] | None:
    """One frame and the one descriptor that comes with it; ``None`` when the agent closed after the last."""
    received: list[int] = []
    while (request := incoming.take()) is None:
        count, more = receive_some_into(peer, incoming.space(), _DESCRIPTORS_MAX_COUNT)
        received += more
        if count == 0:
            _check_whole(incoming)
            return None
        incoming.advance(count)
    if len(received) != 1:
        close_all(received)
        raise FrameError(f"a request with {len(received)} descriptors")
    return request, received[0]


def _check_whole(incoming: Assembler) -> None:
    have, need = incoming.progress
    if (have, need) != (0, HEADER.size):
        raise FrameError(f"a request was cut off after {have} of {need} bytes")


def _answer(handle: Callable[[bytes, int], bytes], request: bytes, descriptor: int) -> bytes:
    try:
        answer = ANSWERED + handle(request, descriptor)
        check_length(MARK_BYTES + len(answer), FRAME_MAX_BYTES)
        return answer
    except Exception as error:  # noqa: BLE001  # the job boundary: whatever one object did, the agent is told
        traceback.print_exc(limit=-8, file=sys.stderr)
        return GAVE_UP + reason_of(error).encode()


def reason_of(error: Exception) -> str:
    """Type and message of an error, short, and fit for UTF-8 whatever hostile text the message holds."""
    text = f"{type(error).__name__}: {error}"[:TEXT_MAX_CHARACTERS]
    return text.encode("utf-8", "backslashreplace").decode()
