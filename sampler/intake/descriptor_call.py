"""A request that carries an open descriptor. HTTP libraries send no descriptors, so the first write is our own."""

from __future__ import annotations

import contextlib
import http.client
import socket
from pathlib import Path

from sampler.errors import AgentUnreachable
from sampler.intake.answers import Answer
from sampler.limits import ANSWER_MAX_BYTES


def post_with_descriptor(agent: Path, path: str, descriptor: int, body: bytes, timeout_seconds: float) -> Answer:
    """Send a request to a route with ``descriptor`` beside its first bytes, and wait for the answer. Blocking.

    Raises:
        AgentUnreachable: nothing listens there, or it went away before it answered.
    """
    head = f"POST {path} HTTP/1.1\r\nHost: agent\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    message = head.encode("ascii") + body
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(agent))
            with contextlib.suppress(BrokenPipeError):  # it may have answered before it read all, as when it is full
                sent = socket.send_fds(connection, [message], [descriptor])
                connection.sendall(message[sent:])
            return _answer_on(connection)
    except (OSError, http.client.HTTPException) as error:
        raise AgentUnreachable(f"the agent on {agent} did not answer: {error or type(error).__name__}") from error


def _answer_on(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection, method="POST")
    try:
        response.begin()
        body = response.read(ANSWER_MAX_BYTES + 1)
        if response.length and len(body) <= ANSWER_MAX_BYTES:
            raise http.client.IncompleteRead(body, response.length)
        return Answer(response.status, response.getheader("Retry-After"), body)
    finally:
        response.close()
