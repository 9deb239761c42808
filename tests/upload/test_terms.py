"""Deliveries under an operator's terms, to a queue on loopback."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC
from typing import Any

from sampler.limits import CHUNK_MAX_BYTES, KIB, MIB
from sampler.model import ObjectState
from sampler.runtime.hours import Hours
from sampler.upload import Terms

TEXT = b"what a program says, and says again; " * 100_000
NOON_TO_ONE = Hours(["13:00-14:00"], UTC)
"""An hour after the moment at which the tests' clock starts."""


async def test_a_large_content_waits_for_its_hours(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Its facts are there at once, small contents too; the large one travels when the hour comes."""
    large, small = put(os.urandom(2000)), put(os.urandom(1000))
    async with host.running(link(terms=Terms(hours=NOON_TO_ONE, hours_above_bytes=1000))):
        assert (await host.ended(small)).state is ObjectState.DELIVERED
        await host.clock.until(lambda: host.attempts() == [1])
        assert large in queue.submissions
        assert "hours" in host.outbox.get(large).detail
        assert len(queue.contents) == 1
        host.clock.advance(3600)
        assert (await host.ended(large, step_seconds=0.5)).state is ObjectState.DELIVERED


async def test_an_upload_stops_when_its_hours_end(host: Any, queue: Any, link: Any, put: Any) -> None:
    """What is on its way stops between two chunks, and goes on from there on the next day."""
    data = os.urandom(3 * CHUNK_MAX_BYTES)
    event_id = put(data)
    host.clock.advance(3600)

    async def the_hour_is_over(received: int) -> None:
        if received > MIB and host.clock.now().hour != 14:
            host.clock.advance(3600)

    queue.during_body = the_hour_is_over
    async with host.running(link(terms=Terms(hours=NOON_TO_ONE))):
        await host.clock.until(lambda: host.attempts() == [1])
        queue.during_body = None
        host.clock.advance(23 * 3600)
        record = await host.ended(event_id, step_seconds=0.5)
    assert record.state is ObjectState.DELIVERED
    assert queue.body_bytes < len(data) + CHUNK_MAX_BYTES
    assert queue.count("POST", "/v1/uploads") == 1


async def test_bodies_keep_the_pace(host: Any, queue: Any, link: Any, put: Any) -> None:
    """However many objects wait, they do not leave faster than they may."""
    events = [put(os.urandom(25 * KIB)) for _ in range(16)]
    began = asyncio.get_running_loop().time()
    async with host.running(link(terms=Terms(bytes_per_second=400 * KIB))):
        for event_id in events:
            await host.ended(event_id)
    assert asyncio.get_running_loop().time() - began >= 0.35


async def test_the_next_address_is_tried(host: Any, queue: Any, other_address: Any, link: Any, put: Any) -> None:
    """Where the first one does not answer, the queue is reached at the second."""
    await queue.stop()
    event_id = put(os.urandom(1000))
    async with host.running(link(also=[other_address.url])):
        assert (await host.ended(event_id, step_seconds=0.1)).state is ObjectState.DELIVERED


async def test_an_upload_goes_on_at_the_next_address(
    host: Any, queue: Any, other_address: Any, link: Any, put: Any
) -> None:
    """A server that ends in the middle of an upload is followed by another one, which has what was brought."""
    data = os.urandom(2 * CHUNK_MAX_BYTES)
    event_id = put(data)
    queue.cut_after_bytes = CHUNK_MAX_BYTES

    async with host.running(link(also=[other_address.url])):
        record = await host.ended(event_id, step_seconds=0.1)
    assert record.state is ObjectState.DELIVERED
    assert (queue.count("POST", "/v1/uploads"), other_address.count("POST", "/v1/uploads")) == (1, 0)
    assert other_address.count("PATCH", "/v1/uploads") == 1
    assert queue.body_bytes + other_address.body_bytes < len(data) + CHUNK_MAX_BYTES


async def test_an_upload_is_ended_at_the_address_in_use(
    host: Any, queue: Any, other_address: Any, link: Any, put: Any
) -> None:
    """A withdrawal reaches what was begun at an address that does not answer any more."""
    event_id = put(os.urandom(2 * CHUNK_MAX_BYTES))
    queue.cut_after_bytes = MIB

    async def withdraw(received: int) -> None:
        if received >= MIB:
            host.forbidden = "withdrawn"

    queue.during_body = withdraw
    async with host.running(link(also=[other_address.url])):
        assert (await host.ended(event_id, step_seconds=0.1)).state is ObjectState.RECALLED
    assert other_address.count("DELETE", "/v1/uploads") == 1
    assert queue.uploads == {}


async def test_what_shrinks_travels_compressed(host: Any, queue: Any, link: Any, put: Any) -> None:
    """On a slow line to a queue that takes it; what is random travels as it is."""
    queue.accept_encoding = "zstd"
    text, noise = put(TEXT), put(os.urandom(1000))
    async with host.running(link(terms=Terms(bytes_per_second=50 * MIB))):
        records = [await host.ended(event_id) for event_id in (text, noise)]
    assert [record.state for record in records] == [ObjectState.DELIVERED] * 2
    assert TEXT in queue.contents.values()
    assert records[0].sent_bytes < len(TEXT) // 10
    assert sorted(queue.codings, key=str) == [None, "zstd"]


async def test_a_queue_that_does_not_take_it_any_more(host: Any, queue: Any, link: Any, put: Any) -> None:
    """The same bytes are sent again as they are, and the queue is not asked to take others compressed."""
    queue.accept_encoding = "zstd"
    event_id = put(TEXT)
    queue.answer_once("PATCH", "/v1/uploads", 415, {"Accept-Encoding": "identity"})
    async with host.running(link(terms=Terms(bytes_per_second=50 * MIB))):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert list(queue.contents.values()) == [TEXT]
    assert "zstd" not in queue.codings


async def test_nothing_is_compressed_against_the_operators_word(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Whatever the queue says."""
    queue.accept_encoding = "zstd"
    event_id = put(TEXT)
    async with host.running(link(terms=Terms(bytes_per_second=50 * MIB, compress=False))):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert set(queue.codings) == {None}


async def test_parts_travel_at_once(host: Any, queue: Any, link: Any, put: Any) -> None:
    """As many contents as may, whichever objects they are of, and no more."""
    data = os.urandom(6000)
    event_id = put(data, [(1000 * place, 1000) for place in range(6)])
    under_way, most = 0, 0
    several = asyncio.Event()

    async def hold(received: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most >= 3:
            several.set()
        await several.wait()
        under_way -= 1

    queue.during_body = hold
    async with host.running(link(terms=Terms(contents_at_once=3))):
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    assert most == 3
