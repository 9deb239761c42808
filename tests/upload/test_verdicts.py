"""Verdicts on their way back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.errors import JournalError
from sampler.model import Conclusion, Verdict
from sampler.upload.verdicts import VerdictFollower, verdict_of
from sampler.wire.messages import VerdictEvent, VerdictMessage

_AT = datetime(2026, 11, 24, 13, 0, 0, tzinfo=UTC)


def _event(cursor: int, submission: str, *, note: str | None = None) -> VerdictEvent:
    verdict = VerdictMessage(conclusion=Conclusion.MALICIOUS, score=97, analyzer="demo", at=_AT, note=note)
    return VerdictEvent(cursor=cursor, submission=submission, verdict=verdict)


async def test_verdict_comes_back(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A verdict is kept in its record, told once, and the cursor stands behind it."""
    event_id = put(b"x")
    async with host.running(link(), verdicts=True):
        await host.clock.until(lambda: queue.count("GET", "/v1/verdicts") > 0)
        queue.verdicts.append(_event(4, event_id))
        await host.clock.until(lambda: host.outbox.cursor() == 4)
    record = host.outbox.get(event_id)
    assert record.verdict == Verdict(Conclusion.MALICIOUS, 97, "demo", _AT)
    assert [told.event_id for told, _ in host.verdicts] == [event_id]


async def test_only_what_is_new(host: Any, queue: Any, link: Any, put: Any) -> None:
    """After a restart only verdicts after the durable cursor are asked for."""
    first, second = put(b"x"), put(b"y")
    queue.verdicts += [_event(1, first), _event(2, second)]
    host.outbox.set_cursor(1)
    async with host.running(link(), verdicts=True):
        await host.clock.until(lambda: host.outbox.cursor() == 2)
    assert host.outbox.get(first).verdict is None
    assert [told.event_id for told, _ in host.verdicts] == [second]


async def test_cursor_moves_after_the_verdict(host: Any, queue: Any, link: Any, put: Any) -> None:
    """A verdict is durable before the cursor moves; when telling it fails the cursor stays, and it comes again."""
    event_id = put(b"x")
    queue.verdicts.append(_event(1, event_id))
    seen: list[tuple[int, bool]] = []

    async def on_verdict(record: Any, verdict: Any) -> None:
        seen.append((host.outbox.cursor(), host.outbox.get(event_id).verdict == verdict))
        if len(seen) == 1:
            raise JournalError("the disk is full")

    async with link() as open_link:
        follower = VerdictFollower(host.outbox, open_link, clock=host.clock, random=lambda: 1.0, on_verdict=on_verdict)
        assert await follower.follow_once() == 0.5
        assert host.outbox.cursor() == 0
        assert await follower.follow_once() == 0.0
    assert seen == [(0, True), (0, True)]
    assert host.outbox.cursor() == 1


async def test_unknown_object(host: Any, queue: Any, link: Any) -> None:
    """A verdict for an object that this host does not know is passed over."""
    queue.verdicts.append(_event(3, str(uuid.uuid4())))
    async with host.running(link(), verdicts=True):
        await host.clock.until(lambda: host.outbox.cursor() == 3)
    assert host.verdicts == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"events": [], "cursor": 4}',
        b'{"events": [{"cursor": 0}], "cursor": 9}',
        b'{"events": [], "cursor": 99, "more": 1}',
    ],
)
async def test_page_that_is_none(host: Any, queue: Any, link: Any, body: bytes) -> None:
    """A page that cannot be read, or whose cursor goes back, changes nothing and is asked for again later."""
    host.outbox.set_cursor(5)
    async with link() as open_link:
        follower = VerdictFollower(host.outbox, open_link, clock=host.clock, random=lambda: 1.0)
        queue.answer_once("GET", "/v1/verdicts", 200, body=body)
        assert await follower.follow_once() == 0.5
        queue.answer_once("GET", "/v1/verdicts", 200, body=body)
        assert await follower.follow_once() == 1.0
        assert host.outbox.cursor() == 5
        queue.answer_once("GET", "/v1/verdicts", 200, body=b'{"events": [], "cursor": 6}')
        assert await follower.follow_once() == 1.0
    assert host.outbox.cursor() == 6


async def test_page_that_would_repeat(host: Any, queue: Any, link: Any) -> None:
    """Events under a cursor that does not move are not taken in a circle."""
    event = f'{{"cursor": 1, "submission": "{uuid.uuid4()}", "verdict": {{"conclusion": "benign", "score": 0, ' + (
        '"analyzer": "a", "at": "2026-11-24T13:00:00Z"}}'
    )
    queue.answer_once("GET", "/v1/verdicts", 200, body=f'{{"events": [{event}], "cursor": 0}}'.encode())
    async with link() as open_link:
        follower = VerdictFollower(host.outbox, open_link, clock=host.clock, random=lambda: 1.0)
        assert await follower.follow_once() == 0.5


async def test_queue_away(host: Any, queue: Any, link: Any, put: Any) -> None:
    """While the queue is away the follower waits, and goes on when it is back."""
    event_id = put(b"x")
    await queue.stop()
    queue.verdicts.append(_event(1, event_id))
    async with host.running(link(), verdicts=True) as uploader:
        await host.clock.until(lambda: host.clock.now() >= _AT.replace(hour=12, second=20), step_seconds=1)
        assert not uploader.reachable
        assert "no connection" in uploader.detail
        await queue.start()
        await host.clock.until(lambda: host.outbox.cursor() == 1, step_seconds=1)
        await host.clock.until(lambda: uploader.reachable is True)
        assert uploader.detail == ""


def test_texts_are_made_plain() -> None:
    """What an analyzer wrote is fit for a terminal, and its time is UTC."""
    message = VerdictMessage(
        conclusion=Conclusion.BENIGN,
        score=0,
        analyzer="a\x1b[2J",
        at=_AT.replace(tzinfo=None),
        family="f\n",
        note=None,
    )
    assert verdict_of(message) == Verdict(Conclusion.BENIGN, 0, "a [2J", _AT, "f", None)
