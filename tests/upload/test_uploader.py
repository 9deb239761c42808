"""Patience: what is put off and for how long, what is given up, and what never holds up the rest."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sampler.errors import JournalError, StorageError
from sampler.limits import MIB
from sampler.model import ObjectState

_START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


async def test_many_at_once(host: Any, queue: Any, link: Any, put: Any) -> None:
    """More objects than are delivered at once all arrive."""
    events = [put(os.urandom(2000)) for _ in range(12)]
    async with host.running(link(), parallel=3):
        for event_id in events:
            assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert len(queue.contents) == 12
    assert queue.count("POST", "/v1/submissions") + sum(queue.offered) == 24  # each once more, to hear what is missing


async def test_queue_down(host: Any, queue: Any, link: Any, put: Any) -> None:
    """While the queue is down the waits grow, nothing is lost, and all is delivered when it is back."""
    await queue.stop()
    events = [put(os.urandom(100)) for _ in range(3)]
    async with host.running(link(), parallel=1) as uploader:
        await host.clock.until(lambda: sum(host.attempts()) >= 6, step_seconds=0.25)
        assert not uploader.reachable
        assert "no connection" in uploader.detail
        assert host.clock.now() >= _START + (0.5 + 1 + 2 + 4 + 8) * _SECOND
        await queue.start()
        for event_id in events:
            assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED
        assert uploader.reachable
    assert sorted(host.events) == sorted([(kind, each) for each in events for kind in ("offered", "delivered")])


async def test_probes_one_at_a_time(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A queue that turns everybody away is asked by one delivery at a time until it answers."""
    await queue.stop()
    for _ in range(20):
        put(os.urandom(100))
    async with host.running(link(), parallel=4) as uploader:
        await host.clock.until(lambda: sum(host.attempts()) >= 4)
        before = sum(host.attempts())
        host.clock.advance(0.6)
        await host.clock.until(lambda: sum(host.attempts()) > before)
        await host.clock.until(lambda: not uploader._busy)
        assert sum(host.attempts()) == before + 1


async def test_retry_after(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A busy queue is left alone for as long as it asked, by every delivery."""
    queue.answer_once("POST", "/v1/submissions", 503, {"Retry-After": "120"})
    events = [put(os.urandom(100)) for _ in range(2)]
    async with host.running(link(), parallel=1) as uploader:
        await host.clock.until(lambda: sum(host.attempts()) == 1)
        assert uploader.reachable is True
        await host.clock.until(lambda: host.clock.now() >= _START + 119 * _SECOND, step_seconds=7)
        assert queue.count("POST", "/v1/submissions") == 1
        for event_id in events:
            assert (await host.ended(event_id, step_seconds=1)).state is ObjectState.DELIVERED


async def test_queue_full(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A queue without room (507) keeps nothing and costs nothing: the object waits and is delivered later."""
    queue.answer_once("POST", "/v1/uploads", 507, body=b'{"detail": "the disk is full"}')
    event_id = put(os.urandom(100))
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert "the disk is full" in host.outbox.get(event_id).detail
        assert host.state(event_id) is ObjectState.SPOOLED
        assert (await host.ended(event_id, step_seconds=1)).state is ObjectState.DELIVERED


async def test_stalled_queue(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A queue that takes a request and says nothing is given up after the stall time, and tried again."""
    queue.stall = True
    event_id = put(os.urandom(100))
    async with host.running(link(stall_seconds=0.2, connect_seconds=1)) as uploader:
        await host.clock.until(lambda: host.attempts() == [1])
        assert "did not go on in time" in uploader.detail
        queue.stall = False
        assert (await host.ended(event_id, step_seconds=1)).state is ObjectState.DELIVERED


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_rejected_manifest(host: Any, queue: Any, link: Any, put: Any, status: int) -> None:
    """A manifest that the queue refuses for what it is ends the object, with the queue's own words."""
    queue.answer_once("POST", "/v1/submissions", status, body=b'{"title": "No", "detail": "no \\u001b[31mfields"}')
    event_id = put(os.urandom(100))
    async with host.running(link()):
        record = await host.ended(event_id)
    assert record.state is ObjectState.REJECTED
    assert "no  [31mfields" in record.detail
    assert host.events[-1] == ("refused", event_id)


@pytest.mark.parametrize("status", [401, 403])
async def test_identity_refused(host: Any, queue: Any, link: Any, put: Any, status: int) -> None:
    """A host that the queue does not accept keeps everything, says what to do, and asks again after a long wait."""
    queue.answer_once("POST", "/v1/submissions", status)
    event_id = put(os.urandom(100))
    async with host.running(link()) as uploader:
        await host.clock.until(lambda: host.attempts() == [1])
        assert "enrol the host again" in uploader.detail
        assert host.outbox.next_due() == _START + 60 * _SECOND
        assert (await host.ended(event_id, step_seconds=5)).state is ObjectState.DELIVERED


async def test_damaged_again_and_again(host: Any, queue: Any, link: Any, put: Any) -> None:
    """After three new beginnings the object is put off; it is not lost."""
    queue.damage = 4
    event_id = put(os.urandom(1000))
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert queue.count("POST", "/v1/uploads") == 4
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"id": 1}', b"\xff", b"{" * 100_000, b"x" * (8 * MIB + 1)], ids=lambda body: repr(body[:8])
)
async def test_answer_that_is_none(host: Any, queue: Any, link: Any, put: Any, body: bytes) -> None:
    """An answer that is malformed or too long concerns one attempt: the object waits and is delivered later."""
    queue.answer_once("POST", "/v1/submissions", 201, body=body)
    event_id = put(os.urandom(100))
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED


async def test_journal_that_cannot_be_written(host: Any, queue: Any, link: Any, put: Any) -> None:
    """What cannot be journaled does not leave; it waits, and its entry is made before it does."""
    host.journal_error = JournalError("the disk is full")
    event_id = put(os.urandom(100))
    async with host.running(link()) as uploader:
        await host.clock.until(lambda: uploader.detail == "the disk is full")
        assert queue.requests == []
        assert host.attempts() == [0]
        host.journal_error = None
        record = await host.ended(event_id, step_seconds=1)
    assert record.state is ObjectState.DELIVERED
    assert host.events == [("offered", event_id), ("delivered", event_id)]


async def test_one_object_that_breaks_us(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An object whose delivery fails in an unforeseen way holds up none of the others."""
    bad, good = put(os.urandom(100)), put(os.urandom(100))
    real = host._check

    async def check(waiting: Any) -> str | None:
        if waiting.event_id == bad:
            raise ZeroDivisionError
        return await real(waiting)  # type: ignore[no-any-return]

    host._check = check
    async with host.running(link(), parallel=1):
        assert (await host.ended(good, step_seconds=0.5)).state is ObjectState.DELIVERED
    assert host.state(bad) is ObjectState.SPOOLED


async def test_content_file_lost(host: Any, queue: Any, link: Any, put: Any, tmp_path: Any) -> None:
    """An object whose bytes are gone from the spool ends by name and holds up none of the others."""
    bad = put(b"gone")
    for path in (tmp_path / "spool" / "contents").glob("*/*"):
        path.unlink()
    good = put(os.urandom(100))
    async with host.running(link(), parallel=1):
        assert (await host.ended(good, step_seconds=0.5)).state is ObjectState.DELIVERED
        assert (await host.ended(bad, step_seconds=0.5)).state is ObjectState.FAILED
    assert "cannot be read from the spool" in host.outbox.get(bad).detail


async def test_ledger_that_does_not_answer(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A ledger that fails for a while stops nothing for good."""
    event_id = put(os.urandom(100))
    pending, failures = host.outbox.pending, iter([1, 2])

    def fail_twice(*values: Any) -> Any:
        if next(failures, None):
            raise StorageError("the ledger failed")
        return pending(*values)

    host.outbox.pending = fail_twice
    async with host.running(link()) as uploader:
        await host.clock.until(lambda: uploader.detail == "the ledger failed")
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED
