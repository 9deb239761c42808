from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sampler.intake import AgentClient, LocalServer
from sampler.wire.agent_messages import FlagRequest

Serve = Callable[..., Awaitable[LocalServer]]
Post = Callable[..., bytes]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
REQUEST = b'{"descriptor": true, "path": "/its/name"}'


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Open a file with these bytes; closed with the test."""
    with ExitStack() as descriptors:

        def open_one(data: bytes) -> int:
            path = tmp_path / f"file-{data.decode()}"
            path.write_bytes(data)
            descriptor = os.open(path, os.O_RDONLY)
            descriptors.callback(os.close, descriptor)
            return descriptor

        yield open_one


@pytest.fixture
def plain(socket_path: Path) -> Iterator[Callable[[], socket.socket]]:
    """Open a plain socket to the server; closed with the test."""
    with ExitStack() as sockets:

        def open_one() -> socket.socket:
            connection = sockets.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(str(socket_path))
            connection.setblocking(False)
            return connection

        yield open_one


@pytest.fixture
def answer_of(eventually: Eventually) -> Callable[[socket.socket], Awaitable[bytes]]:
    """Wait for the beginning of an answer."""

    async def read(connection: socket.socket) -> bytes:
        received = bytearray()

        def came() -> bool:
            try:
                received.extend(connection.recv(65536))
            except BlockingIOError:
                return False
            return True

        await eventually(came)
        return bytes(received)

    return read


async def test_descriptor_of_a_client(
    serve: Serve, client: AgentClient, handler: Any, opened: Callable[[bytes], int]
) -> None:
    """A client's open file is read through its descriptor, and stays the client's."""
    await serve()
    descriptor = opened(b"bytes")
    view = await client.flag_descriptor(descriptor, FlagRequest(path="/its/name"))
    assert (view.size, handler.contents, handler.candidates[0].path) == (5, [b"bytes"], b"/its/name")
    assert os.read(descriptor, 10) == b"bytes"


async def test_descriptor_with_one_byte(
    *,
    serve: Serve,
    handler: Any,
    post: Post,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    answer_of: Callable[[socket.socket], Awaitable[bytes]],
    eventually: Eventually,
) -> None:
    """A descriptor beside the very first byte belongs to the request that the byte begins, however that is cut."""
    await serve()
    connection, request = plain(), post("/v1/flag", REQUEST)
    socket.send_fds(connection, [request[:1]], [opened(b"bytes")])
    for place in range(1, len(request), 20):
        connection.send(request[place : place + 20])
    assert (await answer_of(connection)).startswith(b"HTTP/1.1 200 ")
    assert handler.contents == [b"bytes"]


async def test_only_the_first_descriptor_counts(
    *,
    serve: Serve,
    handler: Any,
    post: Post,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    answer_of: Callable[[socket.socket], Awaitable[bytes]],
    descriptors: Callable[[], set[int]],
    eventually: Eventually,
) -> None:
    """Of many descriptors the first is used, and the others are not left open in the agent."""
    await serve()
    passed = [opened(data) for data in (b"first", b"second", b"third")]
    connection = plain()
    before = len(descriptors())
    socket.send_fds(connection, [post("/v1/flag", REQUEST)], passed)
    assert (await answer_of(connection)).startswith(b"HTTP/1.1 200 ")
    assert handler.contents == [b"first"]
    connection.close()
    await eventually(lambda: len(descriptors()) < before)


async def test_late_descriptor_is_not_taken(
    *,
    serve: Serve,
    handler: Any,
    post: Post,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    answer_of: Callable[[socket.socket], Awaitable[bytes]],
) -> None:
    """A descriptor that comes after the first bytes is dropped, and the request that counts on it is refused."""
    await serve()
    connection = plain()
    connection.send(b"GET /v1/status HTTP/1.1\r\nHost: agent\r\n\r\n")
    assert (await answer_of(connection)).startswith(b"HTTP/1.1 200 ")
    socket.send_fds(connection, [post("/v1/flag", REQUEST)], [opened(b"late")])
    assert (await answer_of(connection)).startswith(b"HTTP/1.1 422 ")
    assert handler.candidates == []


async def test_descriptor_waits_for_the_request_that_wants_it(
    *,
    serve: Serve,
    handler: Any,
    post: Post,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    answer_of: Callable[[socket.socket], Awaitable[bytes]],
) -> None:
    """The first request that says `descriptor` gets it, be it the second on its connection; the third gets none."""
    await serve()
    connection = plain()
    socket.send_fds(connection, [b"GET /v1/status HTTP/1.1\r\nHost: agent\r\n\r\n"], [opened(b"bytes")])
    assert (await answer_of(connection)).startswith(b"HTTP/1.1 200 ")
    for status in (b"200", b"422"):
        connection.send(post("/v1/flag", REQUEST))
        assert (await answer_of(connection)).startswith(b"HTTP/1.1 " + status)
    assert handler.contents == [b"bytes"]


@pytest.mark.parametrize(
    "body", [b'{"path": "/no/such/file"}', b'{"descriptor": true, "path": "relative"}', b"not json"]
)
async def test_descriptor_that_nobody_wants(
    *,
    serve: Serve,
    post: Post,
    body: bytes,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    answer_of: Callable[[socket.socket], Awaitable[bytes]],
    descriptors: Callable[[], set[int]],
    eventually: Eventually,
) -> None:
    """A descriptor that no good request asked for is closed with its connection."""
    await serve()
    before = len(descriptors())
    descriptor = opened(b"bytes")
    connection = plain()
    socket.send_fds(connection, [post("/v1/flag", body)], [descriptor])
    await answer_of(connection)
    connection.close()
    await eventually(lambda: len(descriptors()) == before + 1)


async def test_descriptor_and_nothing_else(
    *,
    serve: Serve,
    opened: Callable[[bytes], int],
    plain: Callable[[], socket.socket],
    descriptors: Callable[[], set[int]],
    eventually: Eventually,
) -> None:
    """A client that sends a descriptor and goes away leaves nothing open."""
    await serve()
    before = len(descriptors())
    descriptor = opened(b"bytes")
    connection = plain()
    socket.send_fds(connection, [b"P"], [descriptor])
    await eventually(lambda: len(descriptors()) == before + 4)
    connection.close()
    await eventually(lambda: len(descriptors()) == before + 1)


async def test_things_that_are_no_files(serve: Serve, client: AgentClient, tmp_path: Path) -> None:
    """A passed folder or socket ends as unreadable."""
    await serve()
    folder = os.open(tmp_path, os.O_RDONLY)
    one, other = socket.socketpair()
    with one, other:
        for descriptor, words in ((folder, "is a folder"), (one.fileno(), "is a socket")):
            view = await client.flag_descriptor(descriptor, FlagRequest())
            assert (view.state, words in view.detail) == ("unreadable", True)
    os.close(folder)
