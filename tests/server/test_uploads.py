"""tus 1.0.0 as any client speaks it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from sampler.limits import CHUNK_MAX_BYTES
from sampler.server import QueueSettings
from sampler.wire.messages import Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
MakeManifest = Callable[[bytes], Manifest]
Begin = Callable[[Manifest], Awaitable[str]]
TusHeaders = Callable[..., dict[str, str]]
TUS = {"Tus-Resumable": "1.0.0"}
DATA = bytes(range(256)) * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


async def _downloaded(person: Callable[[Role], Call]) -> bytes:
    reply = await person(Role.WORKER)("GET", f"/v1/contents/{SHA256}?form=raw")
    assert reply.status == 200
    assert SHA256 in reply.headers["Content-Disposition"]
    body: bytes = reply.body
    return body


async def test_the_server_tells_what_it_does(host: Call) -> None:
    """OPTIONS needs no version and names all."""
    reply = await host("OPTIONS", "/v1/uploads")
    assert reply.status == 204
    assert reply.headers["Tus-Version"] == reply.headers["Tus-Resumable"] == "1.0.0"
    assert "creation-with-upload" in reply.headers["Tus-Extension"].split(",")
    assert "sha256" in reply.headers["Tus-Checksum-Algorithm"].split(",")
    assert int(reply.headers["Tus-Max-Size"]) > 0


async def test_a_small_content_travels_in_one_request(
    host: Call, make_manifest: MakeManifest, tus_headers: TusHeaders, person: Callable[[Role], Call]
) -> None:
    """Creation with upload: one answer, and the content is there byte for byte."""
    manifest = make_manifest(DATA)
    assert json.loads((await host("POST", "/v1/submissions", message=manifest)).body)["wanted"] == [SHA256]
    reply = await host("POST", "/v1/uploads", headers=tus_headers(manifest, checked=DATA), data=DATA)
    assert (reply.status, reply.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert reply.headers["Upload-Expires"].endswith("GMT")
    assert await _downloaded(person) == DATA


async def test_a_content_travels_in_pieces(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, person: Callable[[Role], Call]
) -> None:
    """Each PATCH goes on where the one before ended, and HEAD tells where that is."""
    path = await begin(make_manifest(DATA))
    for offset in range(0, len(DATA), 10_000):
        piece = DATA[offset : offset + 10_000]
        assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == str(offset)
        reply = await host("PATCH", path, headers=tus_headers(offset=offset, checked=piece), data=piece)
        assert (reply.status, reply.headers["Upload-Offset"]) == (204, str(offset + len(piece)))
    head = await host("HEAD", path, headers=TUS)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(DATA))
    assert head.headers["Cache-Control"] == "no-store"
    assert await _downloaded(person) == DATA


async def test_an_upload_goes_on_after_the_server_was_started_again(
    host: Call,
    begin: Begin,
    make_manifest: MakeManifest,
    tus_headers: TusHeaders,
    restart: Callable[[], Awaitable[None]],
) -> None:
    """Another server over the same folder knows the offset, and the rest completes the content."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    await host("PATCH", path, headers=tus_headers(offset=0), data=DATA[:12_345])
    await restart()
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "12345"
    reply = await host("PATCH", path, headers=tus_headers(offset=12_345), data=DATA[12_345:])
    assert reply.headers["Upload-Offset"] == str(len(DATA))
    assert json.loads((await host("GET", f"/v1/submissions/{manifest.id}")).body)["state"] == "queued"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
async def test_another_version_is_refused(
    host: Call, begin: Begin, make_manifest: MakeManifest, version: str | None
) -> None:
    """412 names the version that is spoken, for every request but OPTIONS."""
    path = await begin(make_manifest(DATA))
    headers = {} if version is None else {"Tus-Resumable": version}
    for method, where in (("POST", "/v1/uploads"), ("HEAD", path), ("PATCH", path), ("DELETE", path)):
        reply = await host(method, where, headers=headers)
        assert (reply.status, reply.headers["Tus-Version"]) == (412, "1.0.0")


async def test_a_wrong_offset_is_a_conflict(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """409, and the upload stays where it is."""
    path = await begin(make_manifest(DATA))
    reply = await host("PATCH", path, headers=tus_headers(offset=5), data=DATA[5:])
    assert (reply.status, reply.problem) == (409, "conflict")
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "0"


async def test_a_wrong_checksum_is_460_and_nothing_is_kept(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """The bytes of that PATCH are thrown away, and the right ones may come."""
    path = await begin(make_manifest(DATA))
    reply = await host("PATCH", path, headers=tus_headers(offset=0, checked=b"other"), data=DATA[:100])
    assert (reply.status, reply.problem) == (460, "content-mismatch")
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "0"


async def test_a_wrong_hash_ends_the_upload(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """All bytes came and they are others: 460, and the upload is gone."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    assert (await host("PATCH", path, headers=tus_headers(offset=0), data=bytes(len(DATA)))).status == 460
    assert (await host("HEAD", path, headers=TUS)).status == 404
    assert (await host("GET", f"/v1/submissions/{manifest.id}")).body.find(b'"receiving"') > 0


async def test_another_kind_of_body_is_415(host: Call, begin: Begin, make_manifest: MakeManifest) -> None:
    """A PATCH has tus's own media type."""
    path = await begin(make_manifest(DATA))
    headers = TUS | {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    assert (await host("PATCH", path, headers=headers, data=DATA)).status == 415


async def test_an_upload_can_be_ended(host: Call, begin: Begin, make_manifest: MakeManifest) -> None:
    """After DELETE it is not there."""
    path = await begin(make_manifest(DATA))
    assert (await host("DELETE", path, headers=TUS)).status == 204
    assert (await host("DELETE", path, headers=TUS)).status == 404


async def test_a_known_content_is_finished_when_it_is_created(
    host: Call,
    other_host: Call,
    make_manifest: MakeManifest,
    deliver: Callable[[Manifest, bytes], Awaitable[None]],
    tus_headers: TusHeaders,
) -> None:
    """A host that creates an upload for bytes that the queue has gets its end as offset, with a body or without."""
    await deliver(make_manifest(DATA), DATA)
    manifest = make_manifest(DATA)
    await other_host("POST", "/v1/submissions", message=manifest)
    for data in (None, DATA):
        reply = await other_host("POST", "/v1/uploads", headers=tus_headers(manifest, body=data is not None), data=data)
        assert (reply.status, reply.headers["Upload-Offset"]) == (201, str(len(DATA)))


async def test_another_hosts_upload_is_not_there(
    other_host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """Another host sees neither the upload nor the submission."""
    manifest = make_manifest(DATA)
    path = await begin(manifest)
    assert (await other_host("HEAD", path, headers=TUS)).status == 404
    assert (await other_host("PATCH", path, headers=tus_headers(offset=0), data=DATA)).status == 404
    assert (await other_host("DELETE", path, headers=TUS)).status == 404
    assert (await other_host("GET", f"/v1/submissions/{manifest.id}")).status == 404
    assert (await other_host("POST", "/v1/uploads", headers=tus_headers(manifest, body=False))).status == 404
    assert (await other_host("POST", "/v1/submissions", message=manifest)).status == 404


async def test_too_large_a_content_is_413(host: Call, settings: QueueSettings) -> None:
    """The ceiling holds before any byte travels."""
    headers = TUS | {"Upload-Length": str(settings.uploads.object_max_bytes + 1), "Upload-Metadata": ""}
    assert (await host("POST", "/v1/uploads", headers=headers)).status == 413


async def test_head_says_all_of_an_upload(
    host: Call, make_manifest: MakeManifest, tus_headers: TusHeaders, restart: Callable[[], Awaitable[None]]
) -> None:
    """Also what the client said of it, as it said it, after a restart."""
    manifest = make_manifest(DATA)
    await host("POST", "/v1/submissions", message=manifest)
    headers = tus_headers(manifest, body=False)
    headers["Upload-Metadata"] += ",filename eC5leGU=, is_confidential"
    path = (await host("POST", "/v1/uploads", headers=headers)).headers["Location"]
    await restart()
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Metadata"] == headers["Upload-Metadata"]


async def test_a_large_content_may_come_with_its_creation(
    host: Call, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """A client that sends everything at once, without a checksum, need not know how much that may be."""
    data = os.urandom(CHUNK_MAX_BYTES + 5)
    manifest = make_manifest(data)
    await host("POST", "/v1/submissions", message=manifest)
    reply = await host("POST", "/v1/uploads", headers=tus_headers(manifest), data=data)
    assert (reply.status, reply.headers["Upload-Offset"]) == (201, str(len(data)))


@pytest.mark.parametrize("actual", ["POST", "PATCH"])
async def test_the_method_can_be_said_in_a_header(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, actual: str
) -> None:
    """X-HTTP-Method-Override counts, and the request's own method does not."""
    path = await begin(make_manifest(DATA))
    patch = tus_headers(offset=0) | {"X-HTTP-Method-Override": "PATCH"}
    assert (await host(actual, path, headers=patch, data=DATA[:100])).headers["Upload-Offset"] == "100"
    head = await host(actual, path, headers=TUS | {"X-HTTP-Method-Override": "HEAD"})
    assert (head.status, head.headers["Upload-Offset"], head.body) == (200, "100", b"")
    assert (await host(actual, path, headers=TUS | {"X-HTTP-Method-Override": "DELETE"})).status == 204
    assert (await host("HEAD", path, headers=TUS)).status == 404


async def test_a_method_that_an_upload_does_not_have_is_405(
    host: Call, begin: Begin, make_manifest: MakeManifest
) -> None:
    """With what it does have."""
    path = await begin(make_manifest(DATA))
    for headers in (TUS, TUS | {"X-HTTP-Method-Override": "GET"}):
        reply = await host("POST", path, headers=headers)
        assert (reply.status, reply.headers["Allow"]) == (405, "HEAD, PATCH, DELETE")
    reply = await host("POST", "/v1/uploads", headers=TUS | {"X-HTTP-Method-Override": "PATCH"})
    assert reply.status == 405


@pytest.mark.parametrize("offset", ["-1", "9223372036854775808", "18446744073709551616", "1e3", "0x0", " ", "٣"])
async def test_an_offset_that_is_none_moves_nothing(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, offset: str
) -> None:
    """Numbers beyond every integer, negative ones and what is no number are refused, and the upload stands."""
    path = await begin(make_manifest(DATA))
    reply = await host("PATCH", path, headers=tus_headers(offset=0) | {"Upload-Offset": offset}, data=DATA)
    assert reply.status in (400, 409)
    assert (await host("HEAD", path, headers=TUS)).headers["Upload-Offset"] == "0"


async def test_patches_that_come_at_once_make_one_content(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, person: Callable[[Role], Call]
) -> None:
    """Of several bodies for the same offset exactly one counts; the others are told where the upload stands by then."""
    path = await begin(make_manifest(DATA))
    half = len(DATA) // 2
    bodies = [DATA[:half]] * 4
    replies = await asyncio.gather(*(host("PATCH", path, headers=tus_headers(offset=0), data=body) for body in bodies))
    assert sorted(reply.status for reply in replies) == [204, 409, 409, 409]
    reply = await host("PATCH", path, headers=tus_headers(offset=half), data=DATA[half:])
    assert reply.headers["Upload-Offset"] == str(len(DATA))
    assert await _downloaded(person) == DATA


async def test_an_upload_that_is_ended_under_a_patch_leaves_nothing(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, settings: QueueSettings
) -> None:
    """DELETE wins: the PATCH is told that the upload is gone, and no byte of it stays."""
    path = await begin(make_manifest(DATA))
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield DATA[:100]
        arrived.set()
        await ended.wait()
        yield DATA[100:]

    sending = asyncio.ensure_future(host("PATCH", path, headers=tus_headers(offset=0), data=body()))
    await arrived.wait()
    assert (await host("DELETE", path, headers=TUS)).status == 204
    ended.set()
    assert (await sending).status == 404
    assert list((settings.folder / "blobs" / "uploads").iterdir()) == []


async def test_an_upload_expires(
    host: Call, begin: Begin, make_manifest: MakeManifest, tus_headers: TusHeaders, settings: QueueSettings
) -> None:
    """The date that the server gives moves with each PATCH, and an upload that nobody continues is gone by then."""
    path = await begin(make_manifest(DATA))
    first = parsedate_to_datetime((await host("HEAD", path, headers=TUS)).headers["Upload-Expires"])
    reply = await host("PATCH", path, headers=tus_headers(offset=0), data=DATA[:100])
    assert parsedate_to_datetime(reply.headers["Upload-Expires"]) >= first
    with contextlib.closing(sqlite3.connect(settings.folder / "queue.db")) as ledger:
        ledger.execute("UPDATE uploads SET expires = 1")
        ledger.commit()
    assert (await host("PATCH", path, headers=tus_headers(offset=100), data=DATA[100:])).status == 404
    uploads = settings.folder / "blobs" / "uploads"
    async with asyncio.timeout(10):
        while list(uploads.iterdir()):
            await asyncio.sleep(0.01)
