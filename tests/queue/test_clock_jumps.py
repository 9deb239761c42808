"""The queue's clock leaps by a day, and back: no task is lost to it, none done twice, and nothing waits for a day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from sampler.errors import Conflict
from sampler.limits import LEASE_MAX_SECONDS
from sampler.model import Conclusion, TaskState
from sampler.queue import Body, Queue
from sampler.wire.codec import encode
from sampler.wire.messages import CompleteRequest, FailRequest, Lease, LeaseRequest, Manifest, RenewRequest

DAY_SECONDS = 86_400.0
Deliver = Callable[..., Awaitable[str]]


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


async def _lease(queue: Queue) -> Lease:
    lease = (await queue.lease(LeaseRequest(worker="w", seconds=60))).lease
    assert lease is not None
    return lease


def _verdict(lease: Lease) -> CompleteRequest:
    return CompleteRequest(lease=lease.lease, conclusion=Conclusion.MALICIOUS, score=90, analyzer="a")


async def test_a_leap_ahead_takes_a_lease_and_brings_one_verdict(
    queue: Queue, device: str, deliver: Deliver, clock: MovedClock
) -> None:
    """The worker whose lease seems to be over is told so; the next one's report is the only verdict."""
    await deliver(b"bytes")
    first = await _lease(queue)
    clock.advance(DAY_SECONDS)
    with pytest.raises(Conflict):
        await queue.renew(first.task.id, RenewRequest(lease=first.lease))
    await queue.settle_tasks()
    clock.advance(100)
    second = await _lease(queue)
    with pytest.raises(Conflict):
        await queue.complete(first.task.id, _verdict(first))
    await queue.complete(second.task.id, _verdict(second))
    assert len((await queue.verdicts(device, 0, 0)).events) == 1


async def test_a_lease_over_a_leap_back_is_still_good(
    queue: Queue, device: str, deliver: Deliver, clock: MovedClock
) -> None:
    """Who works goes on working, however often is swept, and reports once."""
    await deliver(b"bytes")
    lease = await _lease(queue)
    clock.advance(-DAY_SECONDS)
    await queue.settle_tasks()
    await queue.renew(lease.task.id, RenewRequest(lease=lease.lease, seconds=60))
    assert (await queue.complete(lease.task.id, _verdict(lease))).state is TaskState.DONE
    assert len((await queue.verdicts(device, 0, 0)).events) == 1


async def test_a_lease_given_in_the_future_ends(queue: Queue, deliver: Deliver, clock: MovedClock) -> None:
    """Its worker died; once the clock is put right its task is free after the longest lease, not after a day."""
    await deliver(b"bytes")
    clock.advance(DAY_SECONDS)
    await _lease(queue)
    clock.advance(-DAY_SECONDS)
    await queue.settle_tasks()
    clock.advance(LEASE_MAX_SECONDS)
    await queue.settle_tasks()
    clock.advance(100)
    assert (await _lease(queue)).task.attempts == 2


async def test_a_rest_begun_in_the_future_ends(queue: Queue, deliver: Deliver, clock: MovedClock) -> None:
    """Once the clock is put right the task rests no longer than the longest rest."""
    await deliver(b"bytes")
    clock.advance(DAY_SECONDS)
    lease = await _lease(queue)
    await queue.fail(lease.task.id, FailRequest(lease=lease.lease, reason="crashed"))
    clock.advance(-DAY_SECONDS)
    await queue.settle_tasks()
    clock.advance(100)
    assert (await _lease(queue)).task.attempts == 2


@pytest.mark.parametrize("seconds", [DAY_SECONDS, -DAY_SECONDS])
async def test_an_upload_over_a_leap_is_one_submission(
    queue: Queue,
    device: str,
    make_manifest: Callable[..., Manifest],
    body: Callable[..., Body],
    clock: MovedClock,
    seconds: float,
) -> None:
    """Whether its upload was given up meanwhile or not, offering it anew ends in one task with all its bytes."""
    manifest = make_manifest(b"0123456789")
    wanted = (await queue.submit(device, encode(manifest))).wanted
    upload = await queue.create_upload(device, manifest.id, wanted[0], 10)
    await queue.append(device, upload.id, 0, body(b"01234"))
    clock.advance(seconds)
    await queue.sweep()
    assert (await queue.submit(device, encode(manifest))).wanted == wanted
    again = await queue.create_upload(device, manifest.id, wanted[0], 10)
    await queue.append(device, again.id, again.offset, body(b"0123456789"[again.offset :]))
    clock.advance(-seconds)
    assert len((await queue.tasks()).tasks) == 1
    assert (await _lease(queue)).task.contents[0].sha256 == wanted[0]
