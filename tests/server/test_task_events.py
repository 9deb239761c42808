from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from sampler.wire.codec import decode
from sampler.wire.messages import CancelRequest, LeaseAnswer, LeaseRequest, Manifest
from sampler.wire.routes import Role

Call = Callable[..., Coroutine[Any, Any, Any]]
Person = Callable[[Role], Call]
MakeManifest = Callable[[bytes], Manifest]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]


async def test_a_worker_hears_at_once_that_its_task_is_cancelled(
    person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """The task's stream says what it is, then that it was cancelled, and ends there."""
    await deliver(make_manifest(b"sample"), b"sample")
    worker = person(Role.WORKER)
    leased = await worker("POST", "/v1/leases", message=LeaseRequest(worker="w", wait=10))
    lease = decode(leased.body, LeaseAnswer).lease
    assert lease is not None
    listening = asyncio.create_task(worker("GET", f"/v1/tasks/{lease.task.id}/events"))
    analyst = person(Role.ANALYST)
    cancelled = await analyst("POST", f"/v1/tasks/{lease.task.id}/cancel", message=CancelRequest(reason="a mistake"))
    assert cancelled.status == 200
    heard = await listening
    assert heard.headers["Content-Type"] == "text/event-stream"
    events = [part for part in heard.body.split(b"\n\n") if part.startswith(b"event: task\n")]
    assert b'"cancelled"' in events[-1]
    assert (await worker("POST", f"/v1/tasks/{lease.task.id}/cancel", message=CancelRequest(reason="x"))).status == 403


@pytest.mark.parametrize("kinds", ["", "A", "a,", "a,b c", ",".join("abcdefghijklmnopq")])
async def test_kinds_that_are_none_are_refused(person: Person, kinds: str) -> None:
    """A list that no worker can mean is a 400."""
    assert (await person(Role.WORKER)("GET", f"/v1/work/events?kinds={kinds}")).status == 400


async def test_an_unknown_task_has_no_events(person: Person) -> None:
    """It is a 404 before any stream begins."""
    gone = "/v1/tasks/a1111111-1111-4111-8111-111111111111/events"
    assert (await person(Role.WORKER)("GET", gone)).status == 404
