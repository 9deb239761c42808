"""Peers that are slow on purpose: each has a deadline, whatever it is slow at."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import psutil
import pytest

CONNECT_MANY = 120
REQUEST = b"GET /v1/submissions HTTP/1.1\r\nHost: localhost\r\n\r\n"
Connect = Callable[[], Any]


def _post(length: int) -> bytes:
    head = b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % length


def test_a_connection_without_a_handshake(server: Any) -> None:
    """Whoever connects and says nothing of TLS is shut out."""
    with socket.create_connection(("127.0.0.1", server.hosts), timeout=30) as silent:
        assert silent.recv(1) == b""


def test_a_handshake_that_stops(server: Any) -> None:
    """Half of a ClientHello holds nobody up."""
    with socket.create_connection(("127.0.0.1", server.hosts), timeout=30) as silent:
        silent.sendall(bytes.fromhex("160301020001000201"))
        assert silent.recv(1) == b""


@pytest.mark.parametrize("said", [b"", b"G", REQUEST[:-2]], ids=["nothing", "a letter", "no end of the headers"])
def test_a_request_that_does_not_come(peer: Connect, said: bytes) -> None:
    """A connection over which no whole request comes is closed."""
    connection = peer()
    connection.send(said)
    assert connection.rest() == b""


def test_headers_that_trickle(peer: Connect) -> None:
    """A byte now and then is not enough: the deadline is that of the whole head."""
    connection = peer()
    connection.trickle(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000, every_seconds=0.1)
    assert connection.rest() == b""
    assert not connection.send(REQUEST) or connection.rest() == b""


def test_an_idle_connection_after_an_answer(peer: Connect) -> None:
    """A connection that was of use once is not kept for ever."""
    connection = peer()
    connection.send(REQUEST)
    assert connection.rest().startswith(b"HTTP/1.1 200 ")


def test_a_body_that_stops(peer: Connect) -> None:
    """It is told so, and its connection ends."""
    connection = peer()
    connection.send(_post(1000) + b"{")
    assert connection.rest().startswith(b"HTTP/1.1 408 ")


def test_a_body_that_trickles(peer: Connect) -> None:
    """Bytes have to come at a rate that is worth waiting for."""
    connection = peer()
    connection.send(_post(4000))
    connection.socket.settimeout(0.1)
    answer = b""
    for _ in range(300):
        if not connection.send(b" "):
            break
        try:
            answer += connection.socket.recv(1 << 16)
        except TimeoutError:
            continue
        break
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_reader_that_does_not_read(peer: Connect, until: Any, server: Any) -> None:
    """Who asks for more and more and takes nothing of it is cut off, though it never stops asking."""
    connection = peer()
    connection.socket.settimeout(0.1)
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    for _ in range(50):
        try:
            connection.socket.sendall(asked)
        except (TimeoutError, OSError):
            break
    until(lambda: _is_gone(connection, server))


def _is_gone(connection: Any, server: Any) -> bool:
    """Whether the server has no end of this connection any more."""
    port = connection.socket.getsockname()[1]
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return not any(each.raddr and each.raddr.port == port for each in found)


def test_more_connections_than_there_is_room_for(peer: Connect, server: Any, attacker: Any, ask: Any) -> None:
    """Many idle ones leave room for others; those over the ceiling are closed at once, and the rest at its time."""
    connections = [peer() for _ in range(CONNECT_MANY)]
    assert ask("GET", "/v1/submissions").status == 200
    assert all(connection.rest() == b"" for connection in connections)
