"""One object's way to a queue over real TLS: which bytes travel, how often, and what stops them."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from sampler.limits import CHUNK_MAX_BYTES, MIB
from sampler.model import ObjectState


async def test_whole_object(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A small object reaches the queue byte for byte, in the request that creates its upload."""
    data = os.urandom(5000)
    event_id = put(data)
    async with host.running(link()) as uploader:
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, 5000)
    assert list(queue.contents.values()) == [data]
    assert queue.count("PATCH", "/v1/uploads") == 0
    assert host.events == [("offered", event_id), ("delivered", event_id)]
    assert (uploader.reachable, uploader.detail) == (True, "")
    assert host.outbox.used_bytes() == 0


async def test_large_object(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A large object travels in one stream; the queue checks the whole."""
    data = os.urandom(CHUNK_MAX_BYTES + 3 * MIB)
    event_id = put(data)
    async with host.running(link()):
        record = await host.ended(event_id)
    assert (record.state, record.sent_bytes) == (ObjectState.DELIVERED, len(data))
    assert list(queue.contents.values()) == [data]
    assert queue.count("PATCH", "/v1/uploads") == 1


async def test_a_damaged_large_object_is_sent_with_care(host: Any, queue: Any, link: Any, put: Any) -> None:
    """What came damaged in one stream goes again in chunks of 8 MiB, each with its checksum."""
    queue.damage = 1
    data = os.urandom(CHUNK_MAX_BYTES + 3 * MIB)
    event_id = put(data)
    async with host.running(link()):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert list(queue.contents.values()) == [data]
    assert queue.count("PATCH", "/v1/uploads") == 3


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
    assert len(data) <= queue.body_bytes <= len(data) + CHUNK_MAX_BYTES
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


async def test_lost_answer_to_a_manifest(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A manifest whose answer was lost is offered again, the same, and counts once."""
    queue.lose.append(("POST", "/v1/submissions"))
    event_id = put(os.urandom(100))
    async with host.running(link()):
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert queue.count("POST", "/v1/submissions") == 3  # lost, again, and once more to hear what is missing
    assert list(queue.submissions) == [event_id]
    assert [kind for kind, _ in host.events] == ["offered", "delivered"]


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


async def test_wants_what_was_not_offered(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Bytes that were not offered do not leave, whatever the queue asks for."""
    event_id = put(os.urandom(100), [(0, 10)])
    body = b'{"id": "%s", "state": "receiving", "wanted": ["%s"]}' % (event_id.encode(), b"a" * 64)
    queue.answer_once("POST", "/v1/submissions", 201, body=body)
    async with host.running(link()):
        await host.clock.until(lambda: host.attempts() == [1])
        assert queue.body_bytes == 0
        assert "none offered" in host.outbox.get(event_id).detail


async def test_queue_that_claims_too_much(host: Any, queue: Any, link: Any, put: Any) -> None:
    """An object is delivered only when the queue says that nothing of it is missing."""
    event_id = put(os.urandom(100))
    queue.forget = 1
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
    """A content file that lost its end ends its object by name, and nothing of it leaves."""
    event_id = put(os.urandom(100))
    for path in (tmp_path / "spool" / "contents").glob("*/*"):
        os.truncate(path, 60)
    async with host.running(link()):
        assert (await host.ended(event_id)).state is ObjectState.FAILED
    assert "changed, damaged" in host.outbox.get(event_id).detail
    assert queue.body_bytes == 0
