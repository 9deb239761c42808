"""A server that is killed: nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.limits import COPY_CHUNK_BYTES
from sampler.server import Listening, QueueSettings
from sampler.wire.messages import Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Person = Callable[[Role], Call]
MakeManifest = Callable[[bytes], Manifest]
Begin = Callable[[Manifest], Awaitable[str]]
TusHeaders = Callable[..., dict[str, str]]
TUS = {"Tus-Resumable": "1.0.0"}
DATA = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(100_000))


async def _download(person: Person, data: bytes) -> bytes:
    reply = await person(Role.WORKER)("GET", f"/v1/contents/{hashlib.sha256(data).hexdigest()}?form=raw")
    body: bytes = reply.body
    return body if reply.status == 200 else b""


@pytest.mark.parametrize("service", ["process"], indirect=True)
async def test_a_killed_server_keeps_what_it_acknowledged(
    host: Call,
    host_tls: tuple[str, ssl.SSLContext],
    where: Callable[[], Listening],
    restart: Callable[[], Awaitable[None]],
    settings: QueueSettings,
    begin: Begin,
    make_manifest: MakeManifest,
    tus_headers: TusHeaders,
    person: Person,
) -> None:
    """``kill -9`` in the middle of a PATCH: the one before counts, the broken one does not, the rest completes it."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    reply = await host("PATCH", path, headers=tus_headers(offset=0, checked=DATA[:500_000]), data=DATA[:500_000])
    assert reply.headers["Upload-Offset"] == "500000"
    _, writer = await asyncio.open_connection("localhost", where().hosts[1], ssl=host_tls[1])
    headers = tus_headers(offset=500_000) | {"Host": "localhost", "Content-Length": str(len(DATA) - 500_000)}
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + DATA[500_000:2_000_000])
    partial = settings.folder / "blobs" / "uploads" / path.rpartition("/")[2]
    async with asyncio.timeout(20):
        while partial.stat().st_size < 500_000 + COPY_CHUNK_BYTES:
            await asyncio.sleep(0.01)
    await restart()
    writer.close()
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "500000"
    reply = await host("PATCH", path, headers=tus_headers(offset=500_000), data=DATA[500_000:])
    assert (reply.status, reply.headers["Upload-Offset"]) == (204, str(len(DATA)))
    assert json.loads((await host("GET", f"/v1/submissions/{manifest.id}")).body)["state"] == "queued"
    await restart()
    assert json.loads((await host("GET", f"/v1/submissions/{manifest.id}")).body)["state"] == "queued"
    assert await _download(person, DATA) == DATA
