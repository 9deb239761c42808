"""Manifests that travel together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sampler.errors import QueueBusy, QueueFaulty, QueueRefused
from sampler.limits import MANIFEST_MAX_BYTES, OFFERS_MAX_COUNT
from sampler.model import ObjectState
from sampler.wire.codec import encode
from sampler.wire.messages import FieldJson, Manifest, ManifestAnswer, ObjectMessage, StatementMessage


@pytest.fixture
def manifests(now: Any) -> list[Manifest]:
    """More than fit into one request."""

    def make(number: int) -> Manifest:
        return Manifest(
            id=f"{number:08}-0c7b-4b6f-9f49-7f2f7d1f0c11",
            created=now,
            object=ObjectMessage(sha256="a" * 64, size=1),
            statement=StatementMessage(id="mine", version=1, digest="0" * 64),
        )

    return [make(number) for number in range(OFFERS_MAX_COUNT + 8)]


async def _all(link: Any, manifests: list[Manifest]) -> list[Any]:
    async with link:
        works = (link.submit(encode(manifest)) for manifest in manifests)
        return await asyncio.gather(*works, return_exceptions=True)


async def test_what_comes_at_once_travels_together(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """Everybody has its own answer; no request has more than may be in one."""
    answers = await _all(link(), manifests)
    assert [answer.id for answer in answers] == [manifest.id for manifest in manifests]
    assert sum(queue.offered) + queue.count("POST", "/v1/submissions") == len(manifests)
    assert max(queue.offered) <= OFFERS_MAX_COUNT
    assert len(queue.requests) < 5


async def test_one_goes_alone(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """As it always did."""
    (answer,) = await _all(link(), manifests[:1])
    assert answer.id == manifests[0].id
    assert queue.requests == [("POST", "/v1/submissions")]


async def test_large_ones_are_shared_out(queue: Any, link: Any, now: Any, manifests: list[Manifest]) -> None:
    """A request is never longer than the queue takes."""
    long: dict[str, FieldJson] = {f"sampler.x{number}": "x" * 8000 for number in range(MANIFEST_MAX_BYTES // 3 // 8000)}
    large = [
        Manifest(id=each.id, created=now, object=each.object, statement=each.statement, fields=long)
        for each in manifests[:8]
    ]
    answers = await _all(link(), large)
    assert all(isinstance(answer, ManifestAnswer) for answer in answers)
    assert len(queue.offered) >= 2
    assert sum(queue.offered) + queue.count("POST", "/v1/submissions") == len(large)


async def test_what_is_refused_among_several_is_heard_alone(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """The others are accepted, and it gets the answer that it would have got."""
    queue.refuse = {manifests[3].id}
    answers = await _all(link(), manifests[:6])
    assert [answer.id for answer in answers] == [manifest.id for manifest in manifests[:6]]
    assert queue.count("POST", "/v1/submissions") == 1


async def test_a_queue_that_does_not_take_several(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """It is asked once, and gets each alone from then on."""
    await queue.stop()
    queue.takes_several = False
    await queue.start()
    answers = await _all(link(), manifests[:6])
    assert [answer.id for answer in answers] == [manifest.id for manifest in manifests[:6]]
    assert queue.count("POST", "/v1/offers") == 1


@pytest.mark.parametrize(("status", "error"), [(503, QueueBusy), (403, QueueRefused)])
async def test_what_a_request_fails_of_all_fail_of(
    queue: Any, link: Any, manifests: list[Manifest], status: int, error: type[Exception]
) -> None:
    """The next ones are offered all the same."""
    queue.answer_once("POST", "/v1/offers", status)
    opened = link()
    async with opened:
        works = (opened.submit(encode(manifest)) for manifest in manifests[:4])
        answers = await asyncio.gather(*works, return_exceptions=True)
        assert [type(answer) for answer in answers] == [error] * 4
        assert (await opened.submit(encode(manifests[5]))).id == manifests[5].id


async def test_an_answer_for_fewer(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """Nobody is given the answer of another."""
    queue.answer_once("POST", "/v1/offers", 200, body=b'{"answers": []}')
    answers = await _all(link(), manifests[:3])
    assert [type(answer) for answer in answers] == [QueueFaulty] * 3


async def test_whoever_gives_up_does_not_hold_up_others(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """A delivery that is broken off while its manifest waits is left out."""
    opened = link()
    async with opened:
        works = [asyncio.ensure_future(opened.submit(encode(manifest))) for manifest in manifests[:4]]
        await asyncio.sleep(0)
        works[2].cancel()
        answers = await asyncio.gather(*works, return_exceptions=True)
    assert [isinstance(answer, ManifestAnswer) for answer in answers] == [True, True, False, True]
    assert manifests[2].id not in queue.submissions


async def test_nobody_waits_for_a_link_that_was_closed(queue: Any, link: Any, manifests: list[Manifest]) -> None:
    """What had no answer by then is told so."""
    queue.stall = True
    opened = link()
    async with opened:
        works = [asyncio.ensure_future(opened.submit(encode(manifest))) for manifest in manifests[:2]]
        async with asyncio.timeout(20):
            while not queue.requests:
                await asyncio.sleep(0.01)
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert not any(isinstance(answer, ManifestAnswer) for answer in answers)


async def test_deliveries_offer_together(host: Any, queue: Any, link: Any, put: Any) -> None:
    """Objects that wait when the agent starts are offered in few requests, and asked about in few."""
    events = [put(b"%d" % number) for number in range(12)]
    async with host.running(link(), parallel=12):
        for event_id in events:
            assert (await host.ended(event_id)).state is ObjectState.DELIVERED
    offers = queue.count("POST", "/v1/offers") + queue.count("POST", "/v1/submissions")
    assert offers < 2 * len(events)
    assert len(queue.contents) == len(events)
