from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sampler.errors import NotFound
from sampler.model import TaskState
from sampler.queue import Queue
from sampler.wire.messages import CancelRequest, Lease, LeaseRequest, RenewRequest

Deliver = Callable[..., Awaitable[str]]
ALL: frozenset[str] = frozenset()


async def _lease(queue: Queue) -> Lease:
    lease = (await queue.lease(LeaseRequest(worker="w", seconds=60))).lease
    assert lease is not None
    return lease


async def test_a_task_is_watched_to_its_end(queue: Queue, deliver: Deliver) -> None:
    """Each change is told, a longer lease is none, and a cancelled task ends the stream."""
    await deliver(b"bytes")
    lease = await _lease(queue)
    stream = queue.watch_task(lease.task.id, 30)
    assert await anext(stream) == lease.task
    await queue.renew(lease.task.id, RenewRequest(lease=lease.lease, seconds=100))
    async with asyncio.timeout(20):
        following = asyncio.ensure_future(anext(stream))
        await queue.cancel(lease.task.id, CancelRequest(reason="a mistake"))
        view = await following
    assert view is not None
    assert (view.state, view.failure) == (TaskState.CANCELLED, "a mistake")
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_quiet_task_beats(queue: Queue, deliver: Deliver) -> None:
    """When nothing happens whoever watches is told so; of an unknown task there is nothing to watch."""
    await deliver(b"bytes")
    stream = queue.watch_task((await _lease(queue)).task.id, 0.01)
    assert await anext(stream) is not None
    assert await anext(stream) is None
    with pytest.raises(NotFound):
        await anext(queue.watch_task("22222222-2222-4222-8222-222222222222", 1))


async def test_work_is_told_when_it_appears_and_as_long_as_it_waits(queue: Queue, deliver: Deliver) -> None:
    """Nothing waits, then something does, and that is said again and again until somebody takes it."""
    stream = queue.watch_work(ALL, 0.01)
    other = queue.watch_work(frozenset({"sandbox"}), 0.01)
    assert (await anext(stream)).waiting == []
    await deliver(b"bytes")
    async with asyncio.timeout(20):
        while not (await anext(stream)).waiting:
            pass
        assert (await anext(stream)).waiting == ["analysis"]
        assert (await anext(other)).waiting == []
        await _lease(queue)
        while (await anext(stream)).waiting:
            pass


async def test_nobody_watches_a_process_that_ends(queue: Queue, deliver: Deliver) -> None:
    """Streams end when the process is about to."""
    await deliver(b"bytes")
    task = (await _lease(queue)).task
    streams: list[AsyncIterator[object]] = [queue.watch_task(task.id, 3600), queue.watch_work(ALL, 3600)]
    for stream in streams:
        await anext(stream)
    queue.end_waiting()
    for stream in streams:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
