from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sampler import intake
from sampler.errors import AgentUnreachable, ChildDied, QueueBusy, RequestError, SandboxError, SpoolFull
from sampler.intake import AgentClient, LocalServer
from sampler.limits import FLAG_REQUEST_MAX_BYTES, MEMORY_SNAPSHOT_MAX_BYTES
from sampler.model import DescriptorSource, PathSource, Reason, Sampling
from sampler.wire.agent_messages import FlagRequest, ObjectView

Serve = Callable[..., Awaitable[LocalServer]]
Connect = Callable[[], Awaitable[Any]]
Post = Callable[..., bytes]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
ID = "01234567-89ab-cdef-0123-456789abcdef"


async def test_flag_by_path(serve: Serve, client: AgentClient, handler: Any, tmp_path: Path) -> None:
    """Everything that a request says reaches the handler, and its outcome comes back."""
    await serve()
    (tmp_path / "file").write_bytes(b"bytes")
    view = await client.flag(
        FlagRequest(
            id=ID,
            path=str(tmp_path / "file"),
            reason="analyst",
            detections=["Eicar-Test"],
            pid=os.getpid(),
            origin_url="https://example.org/x",
            wants=Sampling.PARTS,
        )
    )
    assert (view.id, view.size) == (ID, 5)
    assert handler.contents == [b"bytes"]
    [candidate] = handler.candidates
    assert candidate.source == PathSource(os.fsencode(tmp_path / "file"))
    assert (candidate.event_id, candidate.reason, candidate.detections) == (ID, Reason.ANALYST, ("Eicar-Test",))
    assert (candidate.pid, candidate.origin_url, candidate.wants) == (
        os.getpid(),
        "https://example.org/x",
        Sampling.PARTS,
    )
    assert (candidate.peer.uid, candidate.peer.gid, candidate.peer.pid) == (os.geteuid(), os.getegid(), os.getpid())


async def test_object_without_an_id_gets_one(serve: Serve, client: AgentClient, handler: Any) -> None:
    """A request that brings no identifier gets a new one each time."""
    await serve()
    views = [await client.flag(FlagRequest(path="/no/such/file")) for _ in range(2)]
    assert views[0].id != views[1].id
    assert all(str(uuid.UUID(view.id)) == view.id for view in views)


async def test_failure_is_an_outcome(serve: Serve, client: AgentClient) -> None:
    """An object that cannot be taken is answered as an object in its final state, not as an error."""
    await serve()
    view = await client.flag(FlagRequest(path="/no/such/file"))
    assert (view.state, view.detail) == ("vanished", "/no/such/file does not exist")


async def test_path_that_is_not_utf8(serve: Serve, client: AgentClient, handler: Any, tmp_path: Path) -> None:
    """A path travels as hexadecimal where it is no text."""
    await serve()
    path = os.fsencode(tmp_path) + b"/\xff\n"
    Path(os.fsdecode(path)).write_bytes(b"bytes")
    await client.flag(FlagRequest(path_hex=path.hex()))
    assert handler.contents == [b"bytes"]
    assert handler.candidates[0].path == path


@pytest.mark.parametrize("size", [0, 1, MEMORY_SNAPSHOT_MAX_BYTES, MEMORY_SNAPSHOT_MAX_BYTES + 1])
async def test_flag_bytes(serve: Serve, client: AgentClient, handler: Any, spool: Path, size: int) -> None:
    """Bytes of any length arrive whole, large ones over the disk, and leave no file behind."""
    await serve()
    data = os.urandom(1024) * (size // 1024 + 1)
    await client.flag_bytes(data[:size], FlagRequest(path="/named/\x7f\u00e4\n", detections=["\u2028"]))
    assert handler.contents == [data[:size]]
    [candidate] = handler.candidates
    assert isinstance(candidate.source, DescriptorSource)
    assert (candidate.path, candidate.detections) == ("/named/\x7f\u00e4\n".encode(), ("\u2028",))
    assert list(spool.iterdir()) == []


async def test_flag_bytes_that_come_bit_by_bit(serve: Serve, client: AgentClient, handler: Any) -> None:
    """A body of unknown length is taken as it comes."""
    await serve()

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(300):
            yield bytes([number % 256]) * number

    await client.flag_bytes(pieces(), FlagRequest())
    assert handler.contents == [b"".join(bytes([number % 256]) * number for number in range(300))]


@pytest.mark.parametrize("known", [True, False])
async def test_body_over_the_ceiling(
    serve: Serve, client: AgentClient, handler: Any, descriptors: Callable[[], set[int]], known: bool
) -> None:
    """A body over the ceiling is refused, whether its length was announced or not, and nothing of it stays."""
    await serve(max_bytes=1000)
    await client.flag_bytes(bytes(1000), FlagRequest())
    before = len(descriptors())

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(1000)
        yield b"x"

    with pytest.raises(RequestError, match="at most 1000 bytes"):
        await client.flag_bytes(bytes(1001) if known else pieces(), FlagRequest())
    assert len(handler.candidates) == 1
    assert len(descriptors()) <= before


async def test_announced_length_over_the_ceiling(serve: Serve, connect: Connect, post: Post) -> None:
    """A body that announces too many bytes is refused before it comes."""
    await serve(max_bytes=1000)
    raw = await connect()
    await raw.send(post("/v1/flag/bytes", b"", "Sampler-Flag: {}", length=10**15))
    answer = await raw.answer()
    assert (answer.status, answer.json()["type"]) == (413, "urn:sampler:problem:too-long")


async def test_gzip_is_bytes(serve: Serve, connect: Connect, post: Post, handler: Any) -> None:
    """A content coding is not undone: the object is the bytes that came."""
    await serve()
    raw = await connect()
    await raw.send(post("/v1/flag/bytes", b"\x1f\x8bnot really", "Content-Encoding: gzip"))
    assert (await raw.answer()).status == 200
    assert handler.contents == [b"\x1f\x8bnot really"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"not json", 400, "not JSON"),
        (b"", 400, "not JSON"),
        (b'{"path": "/x"', 400, "not JSON"),
        (b'{"path": "/\xff"}', 400, "not JSON"),
        (b'{"path": "/x", "paths": 1}', 422, "paths"),
        (b'{"path": 5}', 422, "$.path"),
        (b'{"path": "relative"}', 422, "$.path"),
        (b'{"path": "/nul\\u0000"}', 422, "no NUL"),
        (b'{"path": "/x", "path_hex": "2f78"}', 422, "$.path_hex"),
        (b'{"path_hex": "2F78"}', 422, "$.path_hex"),
        (b'{"path_hex": "2f7"}', 422, "$.path_hex"),
        (b'{"path": "/x", "reason": "because"}', 422, "$.reason"),
        (b'{"path": "/x", "pid": 0}', 422, "$.pid"),
        (b'{"path": "/x", "pid": 4194305}', 422, "$.pid"),
        (b'{"path": "/x", "id": "../../etc"}', 422, "$.id"),
        (b'{"path": "/x", "wants": "everything"}', 422, "$.wants"),
        (b'{"descriptor": true}', 422, "$.descriptor"),
        (b"{}", 422, "$.path"),
        (b"[]", 422, "object"),
        (json.dumps({"path": "/" + "x" * 4096}).encode(), 422, "$.path"),
        (json.dumps({"path": "/" + "\u00e4" * 2048}).encode(), 422, "4096 bytes"),
        (json.dumps({"path": "/x", "detections": ["x"] * 65}).encode(), 422, "$.detections"),
        (b'{"path": "/x"}' + b" " * FLAG_REQUEST_MAX_BYTES, 413, "at most"),
    ],
)
async def test_requests_that_are_refused(
    *, serve: Serve, connect: Connect, post: Post, handler: Any, body: bytes, status: int, words: str
) -> None:
    """A bad request gets a problem document that says what is wrong and where, and the next one is served."""
    await serve()
    raw = await connect()
    await raw.send(post("/v1/flag", body))
    answer = await raw.answer()
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert words in problem["detail"]
    assert handler.candidates == []
    again = await connect()
    await again.send(post("/v1/flag", b'{"path": "/no/such/file"}'))
    assert (await again.answer()).status == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [("{", 400), ('{"descriptor":true}', 422), ('{"path":"x"}', 422), ('{"path":"/\udcff"}', 400)],
)
async def test_bad_flag_header(
    *, serve: Serve, connect: Connect, post: Post, handler: Any, header: str, status: int
) -> None:
    """The request that travels in a header is checked as the one that travels in a body, before any byte is kept."""
    await serve()
    raw = await connect()
    await raw.send(post("/v1/flag/bytes", b"bytes", f"Sampler-Flag: {header}"))
    assert (await raw.answer()).status == status
    assert handler.candidates == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/objects/..%2f..%2fetc%2fpasswd",
        "/v1/objects/%00",
        "/v1/objects/" + ID.upper(),
        f"/v1/objects/{ID}/",
        f"/v1/objects/{ID}%0a",
        "/v2/status",
        "/",
    ],
)
async def test_paths_that_lead_nowhere(serve: Serve, connect: Connect, handler: Any, path: str) -> None:
    """Only identifiers are looked up; every other path is not found."""
    await serve()
    raw = await connect()
    await raw.send(f"GET {path} HTTP/1.1\r\nHost: agent\r\n\r\n".encode())
    answer = await raw.answer()
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert handler.shown == []


async def test_wrong_method(serve: Serve, connect: Connect) -> None:
    """A method that a route does not have is a problem document as well."""
    await serve()
    raw = await connect()
    await raw.send(b"DELETE /v1/status HTTP/1.1\r\nHost: agent\r\n\r\n")
    assert (await raw.answer()).json()["status"] == 405


async def test_show(serve: Serve, client: AgentClient, handler: Any) -> None:
    """An object is shown to the peer that the handler is told of, and absence is told from refusal."""
    await serve()
    assert await client.show(ID) is None
    handler.view = ObjectView(id=ID, state="held", created=datetime(2026, 1, 1, tzinfo=UTC))
    assert await client.show(ID) == handler.view
    assert [(event_id, peer.pid) for event_id, peer in handler.shown] == [(ID, os.getpid())] * 2


async def test_objects_and_status(serve: Serve, client: AgentClient, handler: Any) -> None:
    """A page of objects is asked for as the peer asked, and the status comes through."""
    await serve()
    assert (await client.objects(state="held", after="cursor", limit=7)).after == "next"
    await client.objects()
    assert [rest for _, *rest in handler.listings] == [["held", "cursor", 7], [None, None, 100]]
    assert (await client.status()).children == 2


@pytest.mark.parametrize("query", ["state=gone", "limit=0", "limit=1001", "limit=-1", "limit=%C2%B2", "colour=red"])
async def test_bad_queries(serve: Serve, connect: Connect, handler: Any, query: str) -> None:
    """A query with an unknown key or a bad value is refused by name."""
    await serve()
    raw = await connect()
    await raw.send(f"GET /v1/objects?{query} HTTP/1.1\r\nHost: agent\r\n\r\n".encode())
    answer = await raw.answer()
    assert answer.status == 422
    assert query.partition("=")[0] in answer.json()["detail"]
    assert handler.listings == []


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (RequestError("no"), 422, False),
        (SpoolFull("no room"), 507, True),
        (SandboxError("no child"), 503, True),
        (ChildDied("dead"), 503, True),
    ],
)
async def test_errors_of_the_agent(
    *, serve: Serve, connect: Connect, post: Post, handler: Any, error: Exception, status: int, retry: bool
) -> None:
    """What the agent raises is answered with its own words, and with the time to wait where waiting helps."""
    await serve()
    handler.error = error
    raw = await connect()
    await raw.send(post("/v1/flag", b'{"path": "/no/such/file"}'))
    answer = await raw.answer()
    assert (answer.status, answer.json()["detail"]) == (status, str(error))
    assert ("retry-after" in answer.headers) is retry


async def test_bug_in_the_agent(serve: Serve, client: AgentClient, handler: Any) -> None:
    """An error that nobody foresaw is logged with its cause, told without details, and the server goes on."""
    await serve()
    handler.error = KeyError("secret detail")
    with capture_logs() as logs, pytest.raises(RequestError, match="its log says why") as caught:
        await client.flag(FlagRequest(path="/no/such/file"))
    assert "secret" not in str(caught.value)
    assert [entry["exc_info"] for entry in logs] == [handler.error]
    assert (await client.status()).children == 2


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /v1/flag HTTP/1.1\r\nHost: agent\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/flag HTTP/1.1\r\nHost: agent\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/flag HTTP/1.1\r\nHost: agent\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: agent\r\n\r\n",
        b"\0" * 100,
    ],
)
async def test_malformed_http(serve: Serve, connect: Connect, client: AgentClient, handler: Any, junk: bytes) -> None:
    """What is no HTTP is answered with 400 and the end of the connection; others are served on."""
    await serve(stall_seconds=0.2)
    raw = await connect()
    await raw.send(junk)
    answered = await raw.ended()
    assert answered[:13] in (b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")
    assert handler.candidates == []
    assert (await client.status()).children == 2


@pytest.mark.parametrize("first", [b"", b"POST /v1/fl", b"POST /v1/flag HTTP/1.1\r\nHost: agent\r\n"])
async def test_client_that_never_ends_its_head(serve: Serve, connect: Connect, first: bytes) -> None:
    """A connection that brings no whole request is closed in time."""
    await serve(stall_seconds=0.2)
    raw = await connect()
    if first:
        await raw.send(first)
    assert await raw.ended() == b""


@pytest.mark.parametrize("path", ["/v1/flag", "/v1/flag/bytes"])
async def test_client_that_stalls(serve: Serve, connect: Connect, post: Post, path: str, handler: Any) -> None:
    """A body that stops coming is given up with 408, and its connection is closed."""
    await serve(stall_seconds=0.2)
    raw = await connect()
    await raw.send(post(path, b"{", length=100))
    answer = await raw.answer()
    assert (answer.status, answer.json()["type"]) == (408, "urn:sampler:problem:body-stalled")
    assert await raw.ended() == b""
    assert handler.candidates == []


async def test_body_that_drips(serve: Serve, connect: Connect, post: Post) -> None:
    """A body that always brings a little is given up at the deadline for the whole of it."""
    await serve(stall_seconds=30, body_seconds=0.3)
    raw = await connect()
    await raw.send(post("/v1/flag/bytes", b"", length=1_000_000))
    answer = asyncio.ensure_future(raw.answer())
    while not answer.done():
        await raw.send(b"x")
        await asyncio.wait([answer], timeout=0.02)
    assert answer.result().status == 408


async def test_client_that_goes_away(
    serve: Serve, connect: Connect, post: Post, descriptors: Callable[[], set[int]], eventually: Eventually
) -> None:
    """A client that leaves in the middle of a body leaves nothing open."""
    await serve()
    before = len(descriptors())
    raw = await connect()
    await raw.send(post("/v1/flag/bytes", b"some", length=100))
    await eventually(lambda: len(descriptors()) > before)
    raw.writer.close()
    await eventually(lambda: len(descriptors()) <= before)


async def test_too_many_requests(
    serve: Serve, client: AgentClient, connect: Connect, handler: Any, eventually: Eventually
) -> None:
    """Beyond the ceiling a request is told to wait; when one ends, the next is served."""
    await serve(max_requests=2)
    handler.gate = asyncio.Event()
    under_way = [asyncio.create_task(client.flag(FlagRequest(path="/no/such/file"))) for _ in range(2)]
    await eventually(lambda: len(handler.candidates) == 2)
    with pytest.raises(QueueBusy) as caught:
        await client.flag(FlagRequest(path="/no/such/file"))
    assert caught.value.retry_after_seconds == 1
    handler.gate.set()
    assert {view.state for view in await asyncio.gather(*under_way)} == {"vanished"}
    await client.flag(FlagRequest(path="/no/such/file"))
    assert len(handler.candidates) == 3


async def test_too_many_connections(serve: Serve, connect: Connect) -> None:
    """Connections beyond their ceiling are sent away at once, and a place that gets free is given again."""
    await serve(max_requests=1)
    held = [await connect() for _ in range(4)]
    surplus = await connect()
    assert (await surplus.ended()).startswith(b"HTTP/1.1 429 ")
    held[0].writer.close()
    async with asyncio.timeout(30):
        while not await _is_served(await connect()):
            pass


async def _is_served(raw: Any) -> bool:
    try:
        await raw.send(b"GET /v1/status HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n")
        return b" 200 " in (await raw.ended())[:20]
    except ConnectionError:  # sent away before it said anything
        return False


async def test_two_requests_at_once_on_one_connection(serve: Serve, connect: Connect, post: Post, handler: Any) -> None:
    """Requests that come together with the first bytes are answered in their order."""
    await serve()
    raw = await connect()
    await raw.send(post("/v1/flag", b'{"path": "/no/1"}') + post("/v1/flag", b'{"path": "/no/2"}'))
    details = [(await raw.answer()).json()["detail"] for _ in range(2)]
    assert details == ["/no/1 does not exist", "/no/2 does not exist"]


async def test_close_lets_requests_end(
    serve: Serve, client: AgentClient, handler: Any, socket_path: Path, eventually: Eventually
) -> None:
    """Closing answers what is under way, and then nothing listens."""
    server = await serve()
    handler.gate = asyncio.Event()
    under_way = asyncio.create_task(client.flag(FlagRequest(path="/no/such/file")))
    await eventually(lambda: len(handler.candidates) == 1)
    closing = asyncio.create_task(server.close())
    await eventually(lambda: not closing.done())
    handler.gate.set()
    assert (await under_way).state == "vanished"
    await closing
    assert not socket_path.exists()
    with pytest.raises(AgentUnreachable, match="sampler agent run"):
        await client.status()


async def test_close_leaves_nothing_open(
    serve: Serve, client: AgentClient, connect: Connect, descriptors: Callable[[], set[int]]
) -> None:
    """After closing, no connection, descriptor or lock of the server is left."""
    before = descriptors()
    server = await serve()
    raw = await connect()
    await client.status()
    await server.close()
    assert await raw.ended() == b""
    raw.writer.close()
    await client.__aexit__(None, None, None)
    assert len(descriptors()) <= len(before)


def test_what_is_public() -> None:
    """The room's public names are these."""
    assert intake.__all__ == ["AgentClient", "LocalHandler", "LocalServer", "peer_of"]
