"""Two real servers over PostgreSQL and S3: one dies at any moment, and the other one goes on."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import msgspec
import pytest

from sampler.server import QueueSettings
from sampler.wire.codec import decode, encode
from sampler.wire.messages import LeaseAnswer, LeaseRequest, Manifest, SubmissionView
from sampler.wire.routes import Role
from tests.support import s3

Call = Callable[..., Coroutine[Any, Any, Any]]

pytestmark = pytest.mark.parametrize("service", ["process"], indirect=True)


@pytest.fixture(scope="module")
def bucket() -> Iterator[s3.S3Server]:
    with s3.nanio() as server:
        yield server


@pytest.fixture
def settings(
    settings: QueueSettings, postgres_url: str, bucket: s3.S3Server, monkeypatch: pytest.MonkeyPatch
) -> QueueSettings:
    """The same authority and keys on both servers, as an operator copies them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    return msgspec.structs.replace(settings, ledger=postgres_url, blobs=bucket.url(str(uuid.uuid4())))


async def test_another_server_goes_on_where_one_was_killed(
    service: Any,
    another: Any,
    host: Call,
    host_tls: tuple[str, ssl.SSLContext],
    calls_to: Callable[[Any, ssl.SSLContext], Call],
    begin: Callable[[Manifest], Awaitable[str]],
    make_manifest: Callable[[bytes], Manifest],
    tus_headers: Callable[..., dict[str, str]],
) -> None:
    """A host enrols, submits and sends half of a content to one server, which is killed: the other one knows the host,
    has what was acknowledged, takes the rest, and gives out the task and its bytes."""
    data = bytes(range(256)) * 400
    manifest = make_manifest(data)
    path = await begin(manifest)
    half = await host("PATCH", path, headers=tus_headers(offset=0), data=data[:50_000])
    assert half.status == 204
    await service.stop()
    elsewhere = calls_to(another, host_tls[1])
    head = await elsewhere("HEAD", path, headers=tus_headers(body=False))
    assert (head.status, head.headers["Upload-Offset"]) == (200, "50000")
    rest = await elsewhere("PATCH", path, headers=tus_headers(offset=50_000), data=data[50_000:])
    assert rest.status == 204
    view = decode((await elsewhere("GET", f"/v1/submissions/{manifest.id}")).body, SubmissionView)
    assert view.missing == []


async def test_a_worker_at_one_server_hears_of_what_comes_to_another(
    another: Any,
    person: Callable[[Role], Call],
    host_tls: tuple[str, ssl.SSLContext],
    calls_to: Callable[[Any, ssl.SSLContext], Call],
    make_manifest: Callable[[bytes], Manifest],
) -> None:
    """A worker that waits here is given what a host brings there."""
    worker = person(Role.WORKER)
    asked = LeaseRequest(worker="w", seconds=60, wait=30)
    waiting = asyncio.create_task(worker("POST", "/v1/leases", message=asked))
    elsewhere = calls_to(another, host_tls[1])
    manifest = msgspec.structs.replace(make_manifest(b"bytes"), contents=[])
    reply = await elsewhere(
        "POST", "/v1/submissions", data=encode(manifest), headers={"Content-Type": "application/json"}
    )
    assert reply.status == 201
    lease = decode((await waiting).body, LeaseAnswer).lease
    assert lease is not None
    assert lease.task.submission == manifest.id
