"""Giving out work over every rule at once: stages, tenants, kinds and cancelling, as workers and people meet them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest

from sampler.errors import Conflict
from sampler.model import Conclusion, SubmissionState, TaskState
from sampler.queue import Queue, QueuePolicy, Stage, Submission, Task, dispatch
from sampler.queue.dispatch import Leasing
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import (
    CancelRequest,
    CompleteRequest,
    FailRequest,
    Lease,
    LeaseRequest,
    Manifest,
    RenewRequest,
)

Deliver = Callable[..., Awaitable[str]]
PLAN = (Stage("static", optional=True), Stage("sandbox", only_after=(Conclusion.SUSPICIOUS,)), Stage("person"))
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def policy(policy: QueuePolicy) -> QueuePolicy:
    return replace(policy, plan=PLAN)


async def _lease(queue: Queue, *kinds: str) -> Lease | None:
    return (await queue.lease(LeaseRequest(worker="w", seconds=60, kinds=list(kinds)))).lease


async def _conclude(queue: Queue, lease: Lease | None, conclusion: Conclusion, score: int = 50) -> TaskState:
    assert lease is not None
    report = CompleteRequest(lease=lease.lease, conclusion=conclusion, score=score, analyzer="a")
    return (await queue.complete(lease.task.id, report)).state


async def test_an_object_goes_through_the_stages_of_its_plan(queue: Queue, device: str, deliver: Deliver) -> None:
    """Each stage's worker gets it in turn, each verdict is kept, and the host hears of all of them together, once."""
    submission = await deliver(b"bytes")
    assert await _lease(queue, "sandbox", "person") is None
    assert await _conclude(queue, await _lease(queue, "static"), Conclusion.SUSPICIOUS) is TaskState.WAITING
    assert (await queue.submission(device, submission)).state is SubmissionState.QUEUED
    assert await _conclude(queue, await _lease(queue, "sandbox"), Conclusion.MALICIOUS, 80) is TaskState.WAITING
    assert (await queue.verdicts(device, 0, 0)).events == []
    last = await _lease(queue, "person")
    assert await _conclude(queue, last, Conclusion.BENIGN, 0) is TaskState.DONE
    assert last is not None
    task = await queue.task(last.task.id)
    assert [(each.kind, each.verdict and each.verdict.conclusion) for each in task.stages] == [
        ("static", Conclusion.SUSPICIOUS),
        ("sandbox", Conclusion.MALICIOUS),
        ("person", Conclusion.BENIGN),
    ]
    (event,) = (await queue.verdicts(device, 0, 0)).events
    assert (event.verdict.conclusion, event.verdict.score) == (Conclusion.MALICIOUS, 80)


async def test_a_plan_ends_when_its_last_analyzer_can_be_done_without(
    queue: Queue, device: str, deliver: Deliver
) -> None:
    """An optional stage that gives up ends nothing: the others still bring a verdict, and the failure is kept."""
    await deliver(b"bytes")
    lease = await _lease(queue, "static")
    assert lease is not None
    task = await queue.fail(lease.task.id, FailRequest(lease=lease.lease, reason="no such format", retry=False))
    assert (task.state, task.stage, task.stages[0].failure) == (TaskState.WAITING, 2, "no such format")
    await _conclude(queue, await _lease(queue, "person"), Conclusion.UNKNOWN)
    assert len((await queue.verdicts(device, 0, 0)).events) == 1


async def test_a_cancelled_task_is_lost_to_its_worker(queue: Queue, device: str, deliver: Deliver) -> None:
    """Whoever works on it can neither renew nor report; it is not given out again until a person requeues it."""
    submission = await deliver(b"bytes")
    lease = await _lease(queue)
    assert lease is not None
    assert (await queue.cancel(lease.task.id, CancelRequest(reason="a mistake"))).failure == "a mistake"
    with pytest.raises(Conflict):
        await queue.renew(lease.task.id, RenewRequest(lease=lease.lease))
    with pytest.raises(Conflict):
        await _conclude(queue, lease, Conclusion.BENIGN)
    assert await _lease(queue) is None
    assert (await queue.submission(device, submission)).state is SubmissionState.CANCELLED
    await queue.requeue(lease.task.id)
    assert await _lease(queue) is not None


async def test_urgent_tasks_come_first(queue: Queue, device: str, make_manifest: Callable[..., Manifest]) -> None:
    """A critical find that comes later is leased before a plain one, and says its points."""
    for severity in ("low", "critical"):
        matches = [{"rule.name": severity, "sampler.rule.severity": severity}]
        await queue.submit(device, encode(msgspec.structs.replace(make_manifest(), matches=matches)))
    first, second = await _lease(queue), await _lease(queue)
    assert first is not None
    assert second is not None
    assert [first.task.matches[0]["rule.name"], second.task.matches[0]["rule.name"]] == ["critical", "low"]
    assert first.task.priority > second.task.priority


def test_tenants_share_workers_alike_however_much_waits(ledger: MemoryQueueLedger, policy: QueuePolicy) -> None:
    """One tenant's flood does not keep another waiting, and a worker of one tenant gets only its own."""
    for number in range(60):
        tenant = "quiet" if number % 6 == 5 else "flood"
        ledger.add_submission(Submission(f"s{number}", "d", NOW, b"{}", tenant), {})
        created = NOW + timedelta(seconds=number)
        ledger.add_task(Task(f"t{number}", f"s{number}", created, created, tenant=tenant, priority=9))
    chance = Random(1).random

    def leased(tenant: str | None) -> str | None:
        asked = Leasing("w", "secret", 60, tenant=tenant)
        placed = dispatch.lease(ledger, asked, policy.retry, chance, NOW)
        return None if placed is None else placed.task.tenant

    shares = Counter(leased(None) for _ in range(16))
    assert shares["quiet"] >= 4
    assert leased("quiet") == "quiet"
    while leased("quiet"):
        pass
    assert leased(None) == "flood"
