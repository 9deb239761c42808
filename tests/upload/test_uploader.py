"""The uploader against a queue over real TLS: what is delivered, what is put off, what is given up."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sampler.errors import JournalError, StorageError
from sampler.limits import CHUNK_MAX_BYTES, MIB
from sampler.model import ObjectState

_START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


async def test_whole_object(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A small object reaches the queue byte for byte, in the request that creates its upload."""
    data = os.urandom(5000)
    event_id = put(data)
    async with host.running(link()) as uploader:
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, 5000)
    assert list(queue.contents.values()) == [data]
    assert queue.count("PATCH", "/v1/uploads") == 0
    assert host.events == [("sent", event_id), ("delivered", event_id)]
    assert (uploader.reachable, uploader.detail) == (True, "")
    assert host.outbox.used_bytes() == 0


async def test_large_object(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A large object travels in chunks of 8 MiB, each with its checksum."""
    data = os.urandom(CHUNK_MAX_BYTES + 3 * MIB)
    event_id = put(data)
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, len(data))
    assert list(queue.contents.values()) == [data]
    assert queue.count("PATCH", "/v1/uploads") == 2


async def test_parts(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Of an object that is sent in parts nothing but those parts travels."""
    data = os.urandom(9000)
    event_id = put(data, [(0, 512), (4000, 100)])
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, 612)
    assert sorted(queue.contents.values()) == sorted([data[:512], data[4000:4100]])


async def test_empty_object(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An object without bytes is delivered like any other."""
    event_id = put(b"")
    async with host.running(link()):
        record = await host.ended(event_id)
    assert record.state is ObjectState.DELIVERED
    assert list(queue.contents.values()) == [b""]


async def test_metadata_only(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An object of which only metadata may leave is delivered by its manifest, and is no duplicate."""
    event_id = put(b"abc", [])
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, 0)
    assert queue.count("POST", "/v1/uploads") == 0


async def test_duplicate(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Bytes that the queue has already do not travel a second time."""
    data = os.urandom(3000)
    first = put(data)
    async with host.running(link()) as uploader:
        await host.ended(first)
        second = put(data)
        uploader.wake()
        record = await host.ended(second)
    assert (record.state, record.sent_bytes) == (ObjectState.DUPLICATE, 0)
    assert queue.body_bytes == 3000


async def test_many_at_once(host: Any, queue: Any, link: Any, put: Any) -> None:
    """More objects than are delivered at once all arrive, each manifest once."""
    events = [put(os.urandom(2000)) for _ in range(12)]
    async with host.running(link(), parallel=3):
        for event_id in events:
            assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert len(queue.contents) == 12
    assert queue.count("POST", "/v1/submissions") == 12


async def test_cut_in_the_middle_of_a_chunk(host: Any, queue: Any, link: Any, put: Any) -> None:
    """After a cut the upload goes on at the verified offset: what travels again is at most one chunk."""
    data = os.urandom(2 * CHUNK_MAX_BYTES + MIB)
    event_id = put(data)
    cuts = iter([12 * MIB])

    async def cut_in_the_second_chunk(received: int) -> None:
        if received > CHUNK_MAX_BYTES and next(cuts, None):
            queue.cut_after_bytes = 4 * MIB

    queue.during_body = cut_in_the_second_chunk
    async with host.running(link()):
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert list(queue.contents.values()) == [data]
    assert len(data) < queue.body_bytes <= len(data) + CHUNK_MAX_BYTES
    assert record.sent_bytes >= queue.body_bytes
    assert queue.count("POST", "/v1/uploads") == 1
    assert queue.count("HEAD", "/v1/uploads") == 1


async def test_agent_dies_between_creation_and_first_chunk(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An agent that starts again goes on with the upload that was begun, and does not begin another."""
    data = os.urandom(2 * MIB)
    event_id = put(data)
    reached = asyncio.Event()

    async def hang(received: int) -> None:
        reached.set()
        await asyncio.Event().wait()

    queue.during_body = hang
    async with host.running(link()):
        await asyncio.wait_for(reached.wait(), 10)
    queue.during_body = None
    async with host.running(link()):
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert queue.count("POST", "/v1/uploads") == 1
    assert queue.count("HEAD", "/v1/uploads") == 1


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
    assert sorted(host.events) == sorted([(kind, each) for each in events for kind in ("sent", "delivered")])


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


async def test_withdrawn_while_queued(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Consent that was withdrawn before sending recalls the object, and not one request is made for it."""
    host.forbidden = "consent was withdrawn"
    event_id = put(os.urandom(100))
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.detail) == (ObjectState.RECALLED, "consent was withdrawn")
    assert queue.requests == []
    assert host.events == [("refused", event_id)]
    assert host.outbox.used_bytes() == 0


async def test_withdrawn_in_the_middle(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Consent that is withdrawn while a large object travels stops it at the next chunk and ends the upload."""
    event_id = put(os.urandom(2 * CHUNK_MAX_BYTES))

    async def withdraw(received: int) -> None:
        host.forbidden = "consent was withdrawn"

    queue.during_body = withdraw
    async with host.running(link()):
        record = await host.ended(event_id)
    assert record.state is ObjectState.RECALLED
    assert queue.body_bytes == record.sent_bytes == CHUNK_MAX_BYTES
    assert queue.uploads == {}
    assert queue.count("DELETE", "/v1/uploads") == 1


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


async def test_lost_answer_to_a_manifest(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A manifest whose answer was lost is offered again, the same, and counts once."""
    queue.lose.append(("POST", "/v1/submissions"))
    event_id = put(os.urandom(100))
    async with host.running(link()):
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert queue.count("POST", "/v1/submissions") == 2
    assert list(queue.submissions) == [event_id]
    assert [kind for kind, _ in host.events] == ["sent", "delivered"]


async def test_lost_answer_to_the_last_byte(host: Any, queue: Any, link: Any, put: Any) -> None:
    """When the answer to the last byte was lost the object is delivered, not a duplicate, and its bytes travel once."""
    data = os.urandom(70_000)
    queue.lose.append(("POST", "/v1/uploads"))
    event_id = put(data)
    async with host.running(link()):
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert queue.body_bytes == len(data)


async def test_damaged_on_the_way(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Bytes that the queue calls damaged are sent again, in an upload begun anew."""
    queue.damage = 1
    event_id = put(os.urandom(2 * MIB))
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, 4 * MIB)
    assert queue.count("POST", "/v1/uploads") == 2


async def test_damaged_again_and_again(host: Any, queue: Any, link: Any, put: Any) -> None:
    """After three new beginnings the object is put off; it is not lost."""
    queue.damage = 4
    event_id = put(os.urandom(1000))
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert queue.count("POST", "/v1/uploads") == 4
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED


async def test_wrong_offset(host: Any, queue: Any, link: Any, put: Any) -> None:
    """When the queue is at another offset the host asks for it and goes on."""
    queue.answer_once("PATCH", "/v1/uploads", 409)
    event_id = put(os.urandom(2 * MIB))
    async with host.running(link()):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert queue.count("HEAD", "/v1/uploads") == 1
    assert queue.count("POST", "/v1/uploads") == 1


async def test_upload_gone(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An upload that the queue does not know any more is begun anew."""
    queue.answer_once("PATCH", "/v1/uploads", 404)
    event_id = put(os.urandom(2 * MIB))
    async with host.running(link()):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert queue.count("POST", "/v1/uploads") == 2


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


async def test_wants_what_was_not_offered(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Bytes that were not offered do not leave, whatever the queue asks for."""
    event_id = put(os.urandom(100), [(0, 10)])
    body = b'{"id": "%s", "state": "receiving", "wanted": ["%s"]}' % (event_id.encode(), b"a" * 64)
    queue.answer_once("POST", "/v1/submissions", 201, body=body)
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert queue.body_bytes == 0
        assert "none offered" in host.outbox.get(event_id).detail


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
    assert host.events == [("sent", event_id), ("delivered", event_id)]


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
    """An object whose bytes are gone from the spool says so and holds up none of the others."""
    bad = put(b"gone")
    for path in (tmp_path / "spool" / "contents").glob("*/*"):
        path.unlink()
    good = put(os.urandom(100))
    async with host.running(link(), parallel=1):
        assert (await host.ended(good, step_seconds=0.5)).state is ObjectState.DELIVERED
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


async def test_queue_that_claims_too_much(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An object is delivered only when the queue says that nothing of it is missing."""
    event_id = put(os.urandom(100))
    lacking = b'"object": {"sha256": "%s", "size": 100}, "missing": ["%s"]}' % (b"a" * 64, b"a" * 64)
    head = b'{"id": "%s", "state": "receiving", "received": "2026-11-24T12:00:00Z", ' % event_id.encode()
    queue.answer_once("GET", "/v1/submissions", 200, body=head + lacking)
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert "still lacks 1 contents" in host.outbox.get(event_id).detail
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.DELIVERED


async def test_withdrawn_while_the_queue_is_away(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An upload that cannot be ended at the queue does not keep its object from being recalled."""
    event_id = put(os.urandom(2 * MIB))
    queue.answer_once("PATCH", "/v1/uploads", 503)
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        host.forbidden = "consent was withdrawn"
        await queue.stop()
        assert (await host.ended(event_id, step_seconds=0.5)).state is ObjectState.RECALLED


async def test_truncated_content_file(host: Any, queue: Any, link: Any, put: Any, tmp_path: Any) -> None:
    """A content file that lost its end is said to have, and nothing of it leaves."""
    event_id = put(os.urandom(100))
    for path in (tmp_path / "spool" / "contents").glob("*/*"):
        os.truncate(path, 60)
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
    assert "ends at 60 of 100 bytes" in host.outbox.get(event_id).detail
    assert queue.body_bytes == 0
