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
from sampler.sandbox.framing import check_length, receive_frame, send_frame

ANSWERED: Final = b"\0"
GAVE_UP: Final = b"\1"
MARK_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an entry function returns in the nursery."""

    handle: Callable[[bytes, int], bytes]
    """Runs in each child: ``handle(request, descriptor)`` is the answer. The loop closes the descriptor."""
    report: bytes
    """For the agent: what was prepared."""


def serve(peer: socket.socket, handle: Callable[[bytes, int], bytes]) -> None:
    """Answer requests until the agent closes its end.

    Raises:
        FrameError, OSError: the agent broke the framing or is gone; the child has nothing left to do.
    """
    while (received := receive_frame(peer, descriptors=1)) is not None:
        request, (descriptor,) = received
        try:
            answer = _answer(handle, request[MARK_BYTES:], descriptor)
        finally:
            os.close(descriptor)
        send_frame(peer, request[:MARK_BYTES] + answer)


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
