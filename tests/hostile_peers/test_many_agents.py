"""Many hosts at the same time, none of them hostile: together they are a flood all the same."""

from __future__ import annotations

import asyncio
import os
import uuid
from io import BytesIO
from typing import Any

from sampler.model import Content, SubmissionState
from sampler.upload import QueueLink
from sampler.wire.codec import encode

PATIENT = True
AGENTS = 50


async def _deliver(server: Any, tls: Any, manifest: Any, data: bytes) -> SubmissionState:
    async with QueueLink(f"https://localhost:{server.hosts}", tls, connections=1) as link:
        answer = await link.submit(encode(manifest))
        assert answer.wanted == [manifest.object.sha256]

        async def begun(_: str) -> None:
            """Nothing is resumed."""

        content = Content(manifest.object.sha256, len(data), 0)
        await link.upload(manifest.id, content, lambda _: BytesIO(data), resume_url=None, on_created=begun)
        return (await link.submission(manifest.id)).state


async def test_fifty_agents_at_once(server: Any, make_manifest: Any) -> None:
    """Each has a certificate and a connection of its own, and each delivery arrives."""
    hosts = [server.enroll() for _ in range(AGENTS)]
    assert len({uuid.UUID(host.agent_id) for host in hosts}) == AGENTS
    bodies = [os.urandom(16 << 10) for _ in hosts]
    each = zip(hosts, bodies, strict=True)
    states = await asyncio.gather(*(_deliver(server, host.tls, make_manifest(data), data) for host, data in each))
    assert states == [SubmissionState.QUEUED] * AGENTS
