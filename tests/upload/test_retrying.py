"""A person who does not want to wait: the queue and everything that was put off are tried at once."""

from __future__ import annotations

import os
from typing import Any

from sampler.model import ObjectState


async def test_trying_the_queue_at_once(host: Any, queue: Any, link: Any, put: Any) -> None:
    """What waits for an hour because the queue asked for it is delivered without one second of it passing."""
    event_id = put(os.urandom(100))
    queue.answer_once("POST", "/v1/submissions", 503, {"Retry-After": "3600"})
    async with host.running(link()) as uploader:
        await host.clock.until(lambda: host.outbox.next_due() > host.clock.now())
        assert host.state(event_id) is ObjectState.SPOOLED
        assert host.outbox.upkeep.retry(None, host.clock.now()) == 1
        uploader.retry()
        assert (await host.ended(event_id)).state is ObjectState.DELIVERED
