"""Requests that say two things at once, or more than there is room for: refused once, and nothing behind them runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

STATUS = re.compile(rb"HTTP/1\.[01] \d{3} ")
SMUGGLED = b"GET /v1/verdicts HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
Connect = Callable[[], Any]

MALFORMED = {
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length in hexadecimal": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length beyond all numbers": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n{}",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked, but not at the end": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "no coding that there is": POST + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a chunk of no size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it said": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}{}{}\r\n0\r\n\r\n",
    "a line of 64 KiB": b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header of 64 KiB": POST + b"X: " + b"a" * 65_536 + b"\r\n\r\n",
    "a name of 64 KiB": POST + b"a" * 65_536 + b": x\r\n\r\n",
    "10,000 headers": POST + b"".join(b"X-%d: x\r\n" % number for number in range(10_000)) + b"\r\n",
    "a NUL in a header": POST + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "a header that goes on in the next line": POST + b"Content-Length:\r\n 2\r\n\r\n{}",
    "a carriage return alone": POST + b"X: a\rContent-Length: 40\r\nContent-Length: 2\r\n\r\n{}",
    "a version that there is not": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no words": b"\xff\xfe\x00\x01" * 64 + b"\r\n\r\n",
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_request_that_cannot_be_read(peer: Connect, said: bytes) -> None:
    """It gets one refusal; what follows it on the same connection is never taken for a request."""
    connection = peer()
    connection.send(said + SMUGGLED)
    came = connection.rest()
    assert came.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")), came[:300]
    assert len(STATUS.findall(came)) == 1


WRONG = {
    "a chunk's extension without end": (POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 2_000_000, 408),
    "a body that is too long": (POST + b"Content-Length: 1000000000\r\n\r\n{", 413),
    "chunks that are too long": (POST + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n" + b" " * (5 << 20), 413),
    "a body of another coding": (POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415),
    "codings one in the other": (POST + b"Content-Encoding: zstd, zstd\r\nContent-Length: 2\r\n\r\n{}", 415),
    "another host's URL": (b"GET http://example.org/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "a path that climbs": (b"GET /v1/known-good/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "a tunnel": (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 404),
    "an upgrade": (b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 404),
    "a query twice": (b"GET /v1/verdicts?after=1&after=2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
}


@pytest.mark.parametrize(("said", "status"), WRONG.values(), ids=WRONG.keys())
def test_a_request_that_is_refused(peer: Connect, said: bytes, status: int) -> None:
    """What can be read and is not wanted gets its own status, before more than its head is believed."""
    connection = peer()
    connection.send(said)
    assert connection.rest().startswith(b"HTTP/1.1 %d " % status)


def test_a_body_is_announced_and_never_sent(peer: Connect) -> None:
    """Nothing is set aside for what only a header promises, by many connections at once."""
    connections = []
    for _ in range(50):
        connections.append(peer())
        connections[-1].send(POST + b"Content-Length: 4194304\r\n\r\n")
    assert all(connection.rest().startswith(b"HTTP/1.1 408 ") for connection in connections)


def test_pipelined_requests_in_great_number(peer: Connect, ask: Any) -> None:
    """A flood over one connection is read only as fast as it is answered, and others are answered beside it."""
    connection = peer()
    connection.socket.settimeout(1.0)
    flood = SMUGGLED * 2000
    try:
        for _ in range(20):
            connection.socket.sendall(flood)
            assert ask("GET", "/v1/submissions").status == 200
    except TimeoutError:
        pass  # it is not read any more: what was asked is answered first
    connection.socket.settimeout(30.0)
    assert connection.socket.recv(15) == b"HTTP/1.1 200 OK"
