"""Search over the wire: who may ask, what is found, what is no question."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from sampler.model import SubmissionState
from sampler.wire.codec import decode
from sampler.wire.messages import Manifest
from sampler.wire.routes import Role
from sampler.wire.search_messages import SearchPage, SearchRequest

Call = Callable[..., Awaitable[Any]]
DATA = b"looked for"
SHA256 = hashlib.sha256(DATA).hexdigest()


async def test_people_find_what_a_host_brought(
    person: Callable[[Role], Call],
    deliver: Callable[[Manifest, bytes], Awaitable[None]],
    make_manifest: Callable[[bytes], Manifest],
) -> None:
    """A delivered object is found by the beginning of its hash once the index has it."""
    manifest = make_manifest(DATA)
    await deliver(manifest, DATA)
    call = person(Role.ANALYST)
    async with asyncio.timeout(30):
        while True:
            reply = await call("POST", "/v1/search", message=SearchRequest(hash=SHA256[:12]))
            page = decode(reply.body, SearchPage)
            if not page.behind:
                break
    assert reply.status == 200
    assert [(hit.id, hit.state, hit.object.sha256) for hit in page.hits] == [
        (manifest.id, SubmissionState.QUEUED, SHA256)
    ]
    assert (await call("POST", "/v1/search", message=SearchRequest(hash="f" * 64))).body == b"{}"


async def test_only_analysts_and_administrators_search(person: Callable[[Role], Call]) -> None:
    """A token of another role is refused."""
    for role in (Role.WORKER, Role.ENROLL):
        reply = await person(role)("POST", "/v1/search", message=SearchRequest())
        assert (reply.status, reply.problem) == (403, "role")


async def test_what_is_no_question_is_refused(person: Callable[[Role], Call]) -> None:
    """A request that is none is unacceptable."""
    call, headers = person(Role.ADMIN), {"Content-Type": "application/json"}
    for body in (
        b'{"hash": "xyz"}',
        b'{"near": "T1AB"}',
        b'{"limit": 0}',
        b'{"where": [{"field": "Not A Field", "value": "x"}]}',
        b'{"after": "no cursor"}',
        b'{"after": "1.2.3.4"}',
        b'{"unknown": 1}',
        b'{"since": "2026-01-01T00:00:00"}',
    ):
        reply = await call("POST", "/v1/search", data=body, headers=headers)
        assert reply.status == 422, body
