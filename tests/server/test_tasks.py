from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from sampler.model import Conclusion
from sampler.wire.codec import decode
from sampler.wire.messages import (
    CompleteRequest,
    FailRequest,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    Manifest,
    RenewRequest,
    TaskPage,
    VerdictPage,
)
from sampler.wire.routes import ROUTES, Door, Role

Call = Callable[..., Coroutine[Any, Any, Any]]
Person = Callable[[Role], Call]
MakeManifest = Callable[[bytes], Manifest]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]
UUID = "a1111111-1111-4111-8111-111111111111"


async def _lease(call: Call, *, seconds: float = 60, wait: float = 10) -> Lease:
    reply = await call("POST", "/v1/leases", message=LeaseRequest(worker="w", seconds=seconds, wait=wait))
    lease = decode(reply.body, LeaseAnswer).lease
    assert lease is not None
    return lease


def _verdict(lease: Lease) -> CompleteRequest:
    return CompleteRequest(lease=lease.lease, conclusion=Conclusion.MALICIOUS, score=99, analyzer="a")


async def test_a_verdict_comes_back_to_the_host(
    host: Call, person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """From delivery over a lease to the host's long poll."""
    manifest = make_manifest(b"sample")
    await deliver(manifest, b"sample")
    waiting = asyncio.create_task(host("GET", "/v1/verdicts?after=0&wait=20"))
    worker = person(Role.WORKER)
    lease = await _lease(worker)
    assert lease.task.object == manifest.object
    assert (await worker("POST", f"/v1/tasks/{lease.task.id}/complete", message=_verdict(lease))).status == 200
    page = decode((await waiting).body, VerdictPage)
    assert [(event.submission, event.verdict.score) for event in page.events] == [(manifest.id, 99)]


async def test_an_expired_lease_goes_to_the_second_worker(
    person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """The second worker gets the task, and the first one's report is 409."""
    await deliver(make_manifest(b"sample"), b"sample")
    first_worker, second_worker = person(Role.WORKER), person(Role.WORKER)
    first = await _lease(first_worker, seconds=0.05)
    second = await _lease(second_worker)
    assert second.task.id == first.task.id
    for what, message in (("complete", _verdict(first)), ("renew", RenewRequest(lease=first.lease))):
        reply = await first_worker("POST", f"/v1/tasks/{first.task.id}/{what}", message=message)
        assert (reply.status, reply.problem) == (409, "conflict")
    assert (await second_worker("POST", f"/v1/tasks/{first.task.id}/complete", message=_verdict(second))).status == 200


async def test_the_sweep_takes_back_what_nobody_asks_for(
    person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """A lease that ran out is seen as waiting again without anybody leasing."""
    await deliver(make_manifest(b"sample"), b"sample")
    await _lease(person(Role.WORKER), seconds=0.05)
    analyst = person(Role.ANALYST)
    async with asyncio.timeout(10):
        while not decode((await analyst("GET", "/v1/tasks?state=waiting")).body, TaskPage).tasks:
            await asyncio.sleep(0.01)


async def test_failures_become_a_dead_letter_that_can_be_requeued(
    person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """After the last allowed attempt the task is dead and listed; an analyst requeues it, a worker may not."""
    await deliver(make_manifest(b"sample"), b"sample")
    worker, analyst = person(Role.WORKER), person(Role.ANALYST)
    for _ in range(2):
        lease = await _lease(worker)
        await worker("POST", f"/v1/tasks/{lease.task.id}/fail", message=FailRequest(lease=lease.lease, reason="broken"))
    dead = decode((await analyst("GET", "/v1/tasks?state=dead")).body, TaskPage).tasks
    assert [(task.id, task.failure, task.attempts) for task in dead] == [(lease.task.id, "broken", 2)]
    path = f"/v1/tasks/{lease.task.id}"
    assert (await worker("POST", f"{path}/requeue")).status == 403
    assert json.loads((await analyst("POST", f"{path}/requeue")).body)["state"] == "waiting"
    assert (await analyst("POST", f"{path}/requeue")).status == 409
    assert (await _lease(worker)).task.id == lease.task.id


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.door is not Door.HOSTS and each.roles], ids=lambda each: each.name
)
@pytest.mark.parametrize("role", Role)
async def test_a_role_opens_its_own_routes_only(route: Any, role: Role, person: Person, anybody: Call) -> None:
    """A token of another role is 403, none at all is 401, and one of the route's roles is neither."""
    path = route.path.format(id=UUID, sha256="a" * 64) + ("?kinds=" if "kinds" in route.query else "")
    assert (await anybody(route.method, path)).status == 401
    reply = await person(role)(route.method, path)
    assert (reply.status == 403) == (role not in route.roles)
    assert reply.status != 401


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic eA==", "Bearer smp_admin_" + "A" * 43, "Bearer a b"])
async def test_what_is_no_token_is_401(anybody: Call, value: str) -> None:
    """Absent, of another scheme, unknown, or nonsense; the answer says how to authenticate."""
    reply = await anybody("GET", "/v1/tasks", headers={"Authorization": value})
    assert (reply.status, reply.problem) == (401, "token")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?state=asleep", "?after=1"])
async def test_a_list_that_is_not_understood_is_refused(person: Person, query: str) -> None:
    """Bad paging is 400 and names the parameter."""
    reply = await person(Role.ANALYST)("GET", "/v1/tasks" + query)
    assert (reply.status, reply.problem) == (400, "query")


async def test_people_see_every_submission(person: Person, make_manifest: MakeManifest, deliver: Deliver) -> None:
    """An analyst reads a host's submission and its task."""
    manifest = make_manifest(b"sample")
    await deliver(manifest, b"sample")
    analyst = person(Role.ANALYST)
    assert json.loads((await analyst("GET", f"/v1/submissions/{manifest.id}")).body)["state"] == "queued"
    task = decode((await analyst("GET", "/v1/tasks")).body, TaskPage).tasks[0]
    assert json.loads((await analyst("GET", f"/v1/tasks/{task.id}")).body)["submission"] == manifest.id
    assert (await analyst("GET", f"/v1/tasks/{UUID}")).status == 404
    assert (await analyst("GET", "/v1/contents/" + "a" * 64)).status == 404
