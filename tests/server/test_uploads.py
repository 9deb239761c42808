"""tus 1.0.0 as any client speaks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

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
    reply = await person(Role.WORKER)("GET", f"/v1/contents/{SHA256}")
    assert reply.status == 200
    assert reply.headers["Content-Disposition"] == f'attachment; filename="{SHA256}"'
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
