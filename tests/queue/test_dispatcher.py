from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from sampler.errors import Conflict, NotFound
from sampler.model import Conclusion, SubmissionState, TaskState
from sampler.queue import Queue
from sampler.wire.codec import encode
from sampler.wire.messages import (
    CompleteRequest,
    FailRequest,
    Lease,
    LeaseRequest,
    Manifest,
    RenewRequest,
    SubmissionView,
)

Deliver = Callable[..., Awaitable[str]]
OTHER = "22222222-2222-4222-8222-222222222222"


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


async def _lease(queue: Queue, seconds: float = 60, task: str | None = None) -> Lease:
    lease = (await queue.lease(LeaseRequest(worker="w", seconds=seconds, task=task))).lease
    assert lease is not None
    return lease


def _verdict(lease: Lease) -> CompleteRequest:
    return CompleteRequest(lease=lease.lease, conclusion=Conclusion.MALICIOUS, score=90, analyzer="a", family="f")


async def test_a_verdict_reaches_the_device_that_asked(queue: Queue, device: str, deliver: Deliver) -> None:
    """A completed task is the submission's verdict and an event of its device, and of no other."""
    submission = await deliver(b"bytes")
    lease = await _lease(queue)
    assert (await queue.submission(device, submission)).state is SubmissionState.ANALYZING
    await queue.complete(lease.task.id, _verdict(lease))
    view = await queue.submission(device, submission)
    assert view.state is SubmissionState.DONE
    page = await queue.verdicts(device, 0, 0)
    assert [(event.submission, event.verdict) for event in page.events] == [(submission, view.verdict)]
    assert (await queue.verdicts(device, page.cursor, 0)).events == []
    assert (await queue.verdicts(OTHER, 0, 0)).events == []


async def test_a_repeated_report_is_one_verdict(queue: Queue, device: str, deliver: Deliver) -> None:
    """A worker that reports twice under one lease brings one verdict."""
    await deliver(b"bytes")
    lease = await _lease(queue)
    assert await queue.complete(lease.task.id, _verdict(lease)) == await queue.complete(lease.task.id, _verdict(lease))
    assert len((await queue.verdicts(device, 0, 0)).events) == 1


async def test_each_task_goes_to_one_worker(queue: Queue, deliver: Deliver) -> None:
    """Tasks are given out in the order in which they became due, each once."""
    first, second = await deliver(b"1"), await deliver(b"2")
    leases = await asyncio.gather(*(queue.lease(LeaseRequest(worker=f"w{n}")) for n in range(3)))
    assert [answer.lease.task.submission for answer in leases if answer.lease] == [first, second]


async def test_a_lease_that_ran_out_goes_to_the_next(queue: Queue, deliver: Deliver, clock: MovedClock) -> None:
    """After its end the second worker gets the task, and the first one's report is a conflict."""
    await deliver(b"bytes")
    first = await _lease(queue, seconds=30)
    clock.advance(31)
    assert (await queue.lease(LeaseRequest(worker="x"))).lease is None
    clock.advance(11)
    second = await _lease(queue)
    assert second.task.attempts == 2
    with pytest.raises(Conflict):
        await queue.complete(first.task.id, _verdict(first))
    with pytest.raises(Conflict):
        await queue.renew(first.task.id, RenewRequest(lease=first.lease))
    assert (await queue.complete(second.task.id, _verdict(second))).state is TaskState.DONE


async def test_a_renewed_lease_lasts(queue: Queue, deliver: Deliver, clock: MovedClock) -> None:
    """A worker that renews in time keeps its task."""
    await deliver(b"bytes")
    lease = await _lease(queue, seconds=30)
    clock.advance(20)
    await queue.renew(lease.task.id, RenewRequest(lease=lease.lease, seconds=30))
    clock.advance(20)
    assert await queue.settle_tasks() == 0
    assert (await queue.complete(lease.task.id, _verdict(lease))).state is TaskState.DONE


async def test_failures_end_in_the_dead_letters_and_come_back(
    queue: Queue, device: str, deliver: Deliver, clock: MovedClock
) -> None:
    """A task that fails as often as it may is dead and visible, and requeueing lets it be leased again."""
    submission = await deliver(b"bytes")
    for _ in range(3):
        lease = await _lease(queue)
        task = await queue.fail(lease.task.id, FailRequest(lease=lease.lease, reason="crashed"))
        clock.advance(1000)
    assert (task.state, task.failure) == (TaskState.DEAD, "crashed")
    assert (await queue.submission(device, submission)).state is SubmissionState.DEAD
    assert [each.id for each in (await queue.tasks(state=TaskState.DEAD)).tasks] == [task.id]
    assert (await queue.lease(LeaseRequest(worker="w"))).lease is None
    assert (await queue.requeue(task.id)).state is TaskState.WAITING
    assert (await _lease(queue)).task.attempts == 1
    assert await queue.task_counts() == {TaskState.LEASED: 1}


async def test_a_task_can_be_asked_for_by_name(queue: Queue, deliver: Deliver) -> None:
    """A person may lease one task although it rests; one that is held or does not exist is refused."""
    await deliver(b"first")
    await deliver(b"second")
    named = (await queue.tasks()).tasks[1]
    lease = await _lease(queue, task=named.id)
    assert lease.task.id == named.id
    with pytest.raises(Conflict):
        await _lease(queue, task=named.id)
    await queue.fail(named.id, FailRequest(lease=lease.lease, reason="later"))
    assert (await _lease(queue, task=named.id)).task.attempts == 2
    with pytest.raises(NotFound):
        await _lease(queue, task=OTHER)


async def test_a_waiting_worker_is_woken_by_a_new_task(queue: Queue, deliver: Deliver) -> None:
    """A lease that waits gets the task that appears meanwhile."""
    waiting = asyncio.create_task(queue.lease(LeaseRequest(worker="w", wait=30)))
    async with asyncio.timeout(10):
        submission = await deliver(b"bytes")
        lease = (await waiting).lease
    assert lease is not None
    assert lease.task.submission == submission


async def test_a_waiting_device_is_woken_by_its_verdict(queue: Queue, device: str, deliver: Deliver) -> None:
    """A long poll for verdicts ends with the verdict."""
    await deliver(b"bytes")
    waiting = asyncio.create_task(queue.verdicts(device, 0, 30))
    lease = await _lease(queue)
    async with asyncio.timeout(10):
        await queue.complete(lease.task.id, _verdict(lease))
        assert len((await waiting).events) == 1


async def test_waiting_ends_with_nothing(queue: Queue, device: str) -> None:
    """When nothing comes in the asked time the answer is empty and the cursor stays."""
    assert (await queue.lease(LeaseRequest(worker="w", wait=0.05))).lease is None
    page = await queue.verdicts(device, 7, 0.05)
    assert (page.events, page.cursor) == ([], 7)


async def test_a_caller_that_is_gone_gets_no_task(queue: Queue, deliver: Deliver) -> None:
    """A task that appears after its asker left stays free."""
    await deliver(b"bytes")
    assert (await queue.lease(LeaseRequest(worker="w"), still_wanted=lambda: False)).lease is None
    assert (await _lease(queue)).task.attempts == 1


async def test_nobody_waits_when_the_process_ends(queue: Queue, device: str) -> None:
    """Ending the waiting answers long polls at once, and no new one begins."""
    waiting = [
        asyncio.create_task(queue.verdicts(device, 0, 3600)),
        asyncio.create_task(queue.lease(LeaseRequest(worker="w", wait=30))),
    ]
    async with asyncio.timeout(10):
        await queue.verdicts(device, 0, 0)  # both wait behind this by now
        queue.end_waiting()
        await asyncio.gather(*waiting)
        await queue.verdicts(device, 0, 3600)


async def test_a_submission_is_watched_to_its_verdict(queue: Queue, device: str, deliver: Deliver) -> None:
    """Each change is told once, and the stream ends with the verdict."""
    submission = await deliver(b"bytes")
    seen: list[SubmissionView] = []

    async def watch() -> None:
        async for view in queue.watch(device, submission, 30):
            if view is not None:
                seen.append(view)

    watching = asyncio.create_task(watch())
    async with asyncio.timeout(10):
        while not seen:
            await asyncio.sleep(0.001)
        lease = await _lease(queue)
        while len(seen) < 2:
            await asyncio.sleep(0.001)
        await queue.complete(lease.task.id, _verdict(lease))
        await watching
    assert [view.state for view in seen] == [SubmissionState.QUEUED, SubmissionState.ANALYZING, SubmissionState.DONE]


async def test_a_quiet_submission_beats(queue: Queue, device: str, deliver: Deliver) -> None:
    """When nothing happens the watcher is told so."""
    stream = queue.watch(device, await deliver(b"bytes"), 0.01)
    assert await anext(stream) is not None
    assert await anext(stream) is None


async def test_tasks_come_in_pages(queue: Queue, deliver: Deliver) -> None:
    """Walking the pages visits every task once, in the order in which they appeared, and ends."""
    submissions = [await deliver(bytes([number])) for number in range(5)]
    seen: list[str] = []
    after: str | None = None
    for _ in range(3):
        page = await queue.tasks(after=after, limit=2)
        seen += [task.submission for task in page.tasks]
        after = page.after
    assert (seen, after) == (submissions, None)


async def test_large_manifests_make_shorter_pages(
    queue: Queue, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """A page never grows past what a client reads of one answer."""
    for _ in range(3):
        await queue.submit(device, b" " * (3 << 20) + encode(make_manifest()))
    page = await queue.tasks()
    assert len(page.tasks) == 1
    assert page.after == page.tasks[0].id


async def test_watching_ends_when_the_process_does(queue: Queue, device: str, deliver: Deliver) -> None:
    """A stream that waits for a change ends when nobody should wait any more."""
    stream = queue.watch(device, await deliver(b"bytes"), 3600)
    assert await anext(stream) is not None
    queue.end_waiting()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
