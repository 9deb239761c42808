from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sampler.model import Conclusion
from sampler.server import Listening
from sampler.wire.codec import decode, encode
from sampler.wire.messages import (
    CompleteRequest,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    Manifest,
    ManifestAnswer,
    SubmissionView,
)
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
MakeManifest = Callable[[bytes], Manifest]
JSON = {"Content-Type": "application/json"}


async def test_a_repeated_manifest_gets_the_same_answer(host: Call, make_manifest: MakeManifest) -> None:
    """Byte for byte the same is idempotent; another one under its identifier is 409."""
    manifest = make_manifest(b"sample")
    first, again = [await host("POST", "/v1/submissions", message=manifest) for _ in range(2)]
    assert first.status == again.status == 201
    assert first.body == again.body
    assert first.headers["Location"] == f"/v1/submissions/{manifest.id}"
    assert decode(first.body, ManifestAnswer).wanted == [hashlib.sha256(b"sample").hexdigest()]
    spaced = await host("POST", "/v1/submissions", data=encode(manifest) + b" ", headers=JSON)
    assert (spaced.status, spaced.problem) == (409, "conflict")


async def test_a_manifest_that_contradicts_itself_is_422(host: Call, make_manifest: MakeManifest) -> None:
    """A whole of another size than the object is understood and refused."""
    body = encode(make_manifest(b"sample")).replace(b'"size":6', b'"size":7', 1)
    reply = await host("POST", "/v1/submissions", data=body, headers=JSON)
    assert (reply.status, reply.problem) == (422, "unacceptable")


async def test_a_submission_is_followed_by_its_events(
    host: Call,
    host_tls: tuple[str, ssl.SSLContext],
    where: Callable[[], Listening],
    session: aiohttp.ClientSession,
    person: Callable[[Role], Call],
    make_manifest: MakeManifest,
    deliver: Callable[[Manifest, bytes], Awaitable[None]],
) -> None:
    """The stream tells each state once and ends with the verdict."""
    manifest = make_manifest(b"sample")
    await host("POST", "/v1/submissions", message=manifest)
    url = f"https://localhost:{where().hosts[1]}/v1/submissions/{manifest.id}/events"
    async with asyncio.timeout(20), session.get(url, ssl=host_tls[1]) as stream:
        assert stream.content_type == "text/event-stream"
        seen = [await _event(stream)]
        await deliver(manifest, b"sample")
        seen.append(await _event(stream))
        worker = person(Role.WORKER)
        lease = decode((await worker("POST", "/v1/leases", message=LeaseRequest(worker="w"))).body, LeaseAnswer).lease
        assert lease is not None
        seen.append(await _event(stream))
        await worker("POST", f"/v1/tasks/{lease.task.id}/complete", message=_verdict(lease))
        seen.append(await _event(stream))
        assert await stream.content.read() == b""
    assert [view.state for view in seen] == ["receiving", "queued", "analyzing", "done"]
    assert seen[-1].verdict is not None


def _verdict(lease: Lease) -> CompleteRequest:
    return CompleteRequest(lease=lease.lease, conclusion=Conclusion.BENIGN, score=0, analyzer="a")


async def _event(stream: aiohttp.ClientResponse) -> SubmissionView:
    assert await stream.content.readline() == b"event: submission\n"
    data = (await stream.content.readline()).removeprefix(b"data: ")
    assert await stream.content.readline() == b"\n"
    return decode(data, SubmissionView)


async def test_events_of_nothing_are_404(host: Call) -> None:
    """An unknown submission has no stream."""
    reply = await host("GET", "/v1/submissions/a1111111-1111-4111-8111-111111111111/events")
    assert (reply.status, reply.problem) == (404, "not-found")
    assert json.loads(reply.body)["detail"]
