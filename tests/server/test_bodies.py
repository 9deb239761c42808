"""Bodies that are too long, too short, too slow, of another kind, or not what they say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sampler.limits import CONTROL_BODY_MAX_BYTES, COPY_CHUNK_BYTES, MANIFEST_MAX_BYTES
from sampler.server import Listening, QueueSettings, bodies
from sampler.wire.codec import encode
from sampler.wire.messages import LeaseRequest, Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
MakeManifest = Callable[[bytes], Manifest]
Begin = Callable[[Manifest], Awaitable[str]]
TusHeaders = Callable[..., dict[str, str]]
JSON = {"Content-Type": "application/json"}
DATA = bytes(range(256)) * 100


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"", 400, "not-json"),
        (b"{", 400, "not-json"),
        (b"\xff\xfe", 400, "not-json"),
        (b"[" * 100_000, 422, "not-the-message"),
        (b"[]", 422, "not-the-message"),
        (b"{}", 422, "not-the-message"),
    ],
)
async def test_what_is_no_manifest_is_refused(host: Call, body: bytes, status: int, problem: str) -> None:
    """Not JSON is 400, JSON that is not the message is 422."""
    reply = await host("POST", "/v1/submissions", data=body, headers=JSON)
    assert (reply.status, reply.problem) == (status, problem)


async def test_an_unknown_field_is_refused_by_name(host: Call, make_manifest: MakeManifest) -> None:
    """A key that the message does not have is named."""
    body = encode(make_manifest(b"x")).replace(b'"created"', b'"surprise":1,"created"')
    reply = await host("POST", "/v1/submissions", data=body, headers=JSON)
    assert reply.status == 422
    assert b"surprise" in reply.body


@pytest.mark.parametrize("name", ["../../etc/passwd", "x", "A1111111-1111-4111-8111-111111111111", "", "\\u0000"])
async def test_an_identifier_that_is_no_uuid_is_refused(host: Call, make_manifest: MakeManifest, name: str) -> None:
    """A submission's identifier is a UUID in lower case and nothing else."""
    manifest = make_manifest(b"x")
    body = encode(manifest).replace(manifest.id.encode(), name.encode())
    reply = await host("POST", "/v1/submissions", data=body, headers=JSON)
    assert (reply.status, reply.problem) == (422, "not-the-message")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_manifest_that_is_too_long_is_refused(host: Call, chunked: bool) -> None:
    """It makes no difference whether the length is announced or found out."""
    half = b" " * (MANIFEST_MAX_BYTES // 2 + 1)
    data = _pieces(half, half) if chunked else half + half
    reply = await host("POST", "/v1/submissions", data=data, headers=JSON)
    assert (reply.status, reply.problem) == (413, "too-large")


async def test_other_messages_have_a_lower_ceiling(person: Callable[[Role], Call]) -> None:
    """What is no manifest is short."""
    body = b" " * CONTROL_BODY_MAX_BYTES + encode(LeaseRequest(worker="w"))
    reply = await person(Role.WORKER)("POST", "/v1/leases", data=body, headers=JSON)
    assert reply.status == 413


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {}, JSON | {"Content-Encoding": "gzip"}])
async def test_another_kind_of_body_is_refused(
    host: Call, make_manifest: MakeManifest, headers: dict[str, str]
) -> None:
    """Only JSON, and never compressed: nothing here expands what a peer sent."""
    reply = await host("POST", "/v1/submissions", data=encode(make_manifest(b"x")), headers=headers)
    assert reply.status == 415


async def test_a_compressed_content_is_refused(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """A content travels as it is."""
    path = await begin(make_manifest(DATA))
    headers = tus_headers(offset=0) | {"Content-Encoding": "gzip"}
    assert (await host("PATCH", path, headers=headers, data=DATA)).status == 415


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_content_that_is_too_long_is_refused(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, chunked: bool
) -> None:
    """More bytes than announced are 413, and no content comes of it."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    data = _pieces(DATA, b"and more") if chunked else DATA + b"and more"
    assert (await host("PATCH", path, headers=tus_headers(offset=0), data=data)).status == 413
    assert b'"receiving"' in (await host("GET", f"/v1/submissions/{manifest.id}")).body


async def test_a_creating_request_takes_no_more_than_was_announced(
    host: Call, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """A body that is longer than its upload is 413, and no content comes of it."""
    manifest = make_manifest(DATA)
    await host("POST", "/v1/submissions", message=manifest)
    reply = await host("POST", "/v1/uploads", headers=tus_headers(manifest), data=DATA + b"and more")
    assert reply.status == 413
    assert b'"receiving"' in (await host("GET", f"/v1/submissions/{manifest.id}")).body


class Broken:
    """A request whose body does not come to its end."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._port = port
        self._tls = tls

    async def send(self, what: str, body: bytes, headers: dict[str, str]) -> None:
        self.reader, self._writer = await asyncio.open_connection("localhost", self._port, ssl=self._tls)
        lines = [f"{what} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self._writer.drain()

    def trickle(self) -> None:
        self._writer.write(b" ")

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@pytest.fixture
def broken(host_tls: tuple[str, ssl.SSLContext], where: Callable[[], Listening]) -> Broken:
    return Broken(where().hosts[1], host_tls[1])


async def test_a_body_that_breaks_off_is_no_manifest(host: Call, broken: Broken, make_manifest: MakeManifest) -> None:
    """A manifest whose connection ends in its middle was never there, and the server goes on."""
    manifest = make_manifest(DATA)
    body = encode(manifest)
    await broken.send("POST /v1/submissions", body, JSON | {"Content-Length": str(len(body) + 1)})
    await broken.leave()
    assert (await host("GET", f"/v1/submissions/{manifest.id}")).status == 404


async def test_a_content_that_breaks_off_goes_on_from_there(
    host: Call, broken: Broken, begin: Begin, make_manifest: MakeManifest, settings: QueueSettings
) -> None:
    """What was written before the connection ended is kept, and the rest completes it."""
    data = DATA * 120
    path = await begin(make_manifest(data))
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    await broken.send(f"PATCH {path}", data[:2_000_000], tus | {"Upload-Offset": "0", "Content-Length": str(len(data))})
    partial = settings.folder / "blobs" / "uploads" / path.rpartition("/")[2]
    async with asyncio.timeout(10):
        while not partial.is_file() or partial.stat().st_size < COPY_CHUNK_BYTES:
            await asyncio.sleep(0.01)
        await broken.leave()
        while (offset := int((await host("HEAD", path, headers=tus)).headers["Upload-Offset"])) == 0:
            await asyncio.sleep(0.01)
    assert COPY_CHUNK_BYTES <= offset <= 2_000_000
    reply = await host("PATCH", path, headers=tus | {"Upload-Offset": str(offset)}, data=data[offset:])
    assert (reply.status, reply.headers["Upload-Offset"]) == (204, str(len(data)))


async def test_a_body_that_stalls_is_given_up(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops sending gets 408 and is told that its connection ends."""
    monkeypatch.setattr(bodies, "BODY_STALL_SECONDS", 0.1)
    await broken.send("POST /v1/submissions", b"{", JSON | {"Content-Length": "9"})
    async with asyncio.timeout(10):
        answer = await broken.reader.readuntil(b"}")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Connection: close" in answer
    assert b"stopped after 1 bytes" in answer
    await broken.leave()


async def test_a_body_that_trickles_is_given_up(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not hold a connection for ever."""
    monkeypatch.setattr(bodies, "BODY_STALL_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "BODY_MIN_BYTES_PER_SECOND", 1000)
    await broken.send("POST /v1/submissions", b"", JSON | {"Content-Length": "999"})
    answer = asyncio.create_task(broken.reader.readuntil(b"}"))
    async with asyncio.timeout(10):
        while not answer.done():
            broken.trickle()
            await asyncio.wait({answer}, timeout=0.05)
    assert answer.result().startswith(b"HTTP/1.1 408")
    await broken.leave()
