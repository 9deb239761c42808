"""Bodies that come compressed."""

from __future__ import annotations

import os
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import zstandard

from sampler.limits import CODED_CHUNK_MAX_BYTES
from sampler.server import uploads
from sampler.server.coded_bodies import CodedBodies
from sampler.wire.messages import Manifest

Call = Callable[..., Awaitable[Any]]
MakeManifest = Callable[[bytes], Manifest]
Begin = Callable[[Manifest], Awaitable[str]]
TusHeaders = Callable[..., dict[str, str]]
TUS = {"Tus-Resumable": "1.0.0"}
ZSTD = {"Content-Encoding": "zstd"}
DATA = b"what a program says, and says again; " * 4000


def _claiming(size: int) -> bytes:
    """A frame whose header says that it has ``size`` bytes, before blocks that each repeat a byte 128 KiB times."""
    blocks = b"".join(struct.pack("<I", 131_072 << 3 | 1 << 1)[:3] + b"x" for _ in range(10_000))
    return b"\x28\xb5\x2f\xfd" + b"\xe0" + struct.pack("<Q", size) + blocks + struct.pack("<I", 1)[:3]


async def test_a_compressed_content_arrives_as_it_was(
    host: Call, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """With its creation or by PATCH; offset, length and checksum are those of the content."""
    manifest = make_manifest(DATA)
    await host("POST", "/v1/submissions", message=manifest)
    headers = tus_headers(manifest, checked=DATA) | ZSTD
    reply = await host("POST", "/v1/uploads", headers=headers, data=zstandard.compress(DATA))
    assert (reply.status, reply.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert b'"queued"' in (await host("GET", f"/v1/submissions/{manifest.id}")).body


async def test_the_queue_says_that_it_takes_it(host: Call, begin: Begin, make_manifest: MakeManifest) -> None:
    """In its answers about submissions and uploads, and where it refuses another coding."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    assert (await host("HEAD", path, headers=TUS)).headers["Accept-Encoding"] == "zstd"
    assert (await host("GET", f"/v1/submissions/{manifest.id}")).headers["Accept-Encoding"] == "zstd"
    headers = TUS | {"Upload-Offset": "0", "Content-Encoding": "br", "Content-Type": "application/offset+octet-stream"}
    reply = await host("PATCH", path, headers=headers, data=DATA)
    assert (reply.status, reply.headers["Accept-Encoding"]) == (415, "zstd")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no frame at all", 400),
        (zstandard.compress(DATA)[:-5], 400),
        (zstandard.compress(DATA) + b"and more", 400),
        (zstandard.compress(DATA) * 2, 400),
        (zstandard.ZstdCompressor(write_content_size=False).compress(DATA), 400),
        (zstandard.compress(DATA + b"x"), 413),
        (_claiming(1000), 400),
        (_claiming(1 << 40), 413),
        (_claiming(2**64 - 3), 413),
        (os.urandom(CODED_CHUNK_MAX_BYTES + 1), 413),
    ],
    ids=["empty", "none", "cut", "trailing", "two", "no size", "longer", "lies", "bomb", "huge", "large"],
)
async def test_what_cannot_be_decoded_moves_nothing(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, body: bytes, status: int
) -> None:
    """However a frame is wrong, not a byte of it counts."""
    path = await begin(make_manifest(DATA))
    reply = await host("PATCH", path, headers=tus_headers(offset=0) | ZSTD, data=body)
    assert reply.status == status
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "0"


@pytest.fixture
def no_room_for_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the server that is started after it."""
    monkeypatch.setattr(uploads, "CodedBodies", lambda: CodedBodies(most=0))


@pytest.mark.usefixtures("no_room_for_coded")
async def test_too_many_at_once_are_asked_to_come_as_they_are(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """415 says that nothing but plain bytes is taken at this moment, and these are."""
    path = await begin(make_manifest(DATA))
    reply = await host("PATCH", path, headers=tus_headers(offset=0) | ZSTD, data=zstandard.compress(DATA))
    assert (reply.status, reply.headers["Accept-Encoding"]) == (415, "identity")
    assert (await host("PATCH", path, headers=tus_headers(offset=0), data=DATA)).status == 204
