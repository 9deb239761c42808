"""One queue, as a host sees it."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest

from sampler.errors import QueueFaulty, SettingsError
from sampler.limits import MIB
from sampler.model import SubmissionState
from sampler.upload import QueueLink
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest
from sampler.wire.statistics_messages import StatisticsKey


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://queue:1",
        "queue:8443",
        "https://",
        "https://a@queue",
        "https://queue?x",
        "https://queue#x",
        "https://q:x",
    ],
)
def test_urls_that_are_none(parties: Any, url: str) -> None:
    """Nothing but https to a host is a queue; the message shows what one looks like."""
    with pytest.raises(SettingsError, match=r"https://queue\.example:8443"):
        QueueLink(url, parties.client_context())


async def test_upload_by_hand(queue: Any, link: Any, host: Any, put: Any) -> None:
    """An upload tells its place before bytes go there, asks before each chunk, and counts what travelled."""
    data = os.urandom(3 * MIB)
    event_id = put(data)
    (waiting,) = host.outbox.pending(host.clock.now(), 1)
    told: list[str] = []

    async def on_created(url: str) -> None:
        told.append(f"created {queue.body_bytes}")

    async def before_chunk() -> None:
        told.append("chunk")

    async with link() as open_link:
        answer = await open_link.submit(waiting.manifest)
        assert (answer.state, answer.wanted) == (SubmissionState.RECEIVING, [waiting.contents[0].sha256])
        travelled = await open_link.upload(
            event_id,
            waiting.contents[0],
            host.outbox.open_content,
            resume_url=None,
            on_created=on_created,
            before_chunk=before_chunk,
        )
        view = await open_link.submission(event_id)
    assert travelled == len(data)
    assert told == ["chunk", "created 0", "chunk"]
    assert (view.state, view.missing) == (SubmissionState.QUEUED, [])
    assert isinstance(queue.submissions[event_id], Manifest)


async def test_verified_content_is_not_sent_again(queue: Any, link: Any, host: Any, put: Any) -> None:
    """Creating an upload for bytes that the queue has by now ends at once."""
    data = os.urandom(2 * MIB)
    event_id = put(data)
    (waiting,) = host.outbox.pending(host.clock.now(), 1)
    queue.contents[waiting.contents[0].sha256] = data

    async def on_created(url: str) -> None:
        raise AssertionError(url)

    async with link() as open_link:
        await open_link.submit(waiting.manifest)
        travelled = await open_link.upload(
            event_id, waiting.contents[0], host.outbox.open_content, resume_url=None, on_created=on_created
        )
    assert travelled == 0


async def test_a_key_of_another_day_is_refused(queue: Any, link: Any) -> None:
    """Distinct objects are hashed with the key of their own day or not at all."""
    day = date(2026, 11, 24)
    other = StatisticsKey(day=date(2026, 11, 23), key=b"k" * 32)
    queue.answer_once("GET", "/v1/statistics/key", 200, body=encode(other))
    async with link() as open_link:
        with pytest.raises(QueueFaulty, match="answered for 2026-11-23"):
            await open_link.statistics_key(day)


async def test_terminate(queue: Any, link: Any) -> None:
    """An upload that is gone already is fine; one on another host is not touched."""
    async with link() as open_link:
        await open_link.terminate(f"{queue.url}/v1/uploads/1")
        await open_link.terminate("https://127.0.0.1:1/v1/uploads/1")
    assert queue.requests == [("DELETE", "/v1/uploads/1")]
