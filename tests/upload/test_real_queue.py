"""Both ends of the wire as they ship: this room against the queue's own server, over real TLS and storage."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sampler.errors import IdentityError
from sampler.identity import host_client_context, make_host_key
from sampler.limits import CHUNK_MAX_BYTES, MIB
from sampler.model import ObjectState, SubmissionState
from sampler.queue import Quotas
from sampler.runtime.clock import SystemClock
from sampler.runtime.settings import load_settings
from sampler.server import Listening, QueueSettings, change_tenant, create_token, initialize, serve
from sampler.storage.opening import open_blobs
from sampler.upload import QueueLink, enroll, fetch_ca
from sampler.wire.routes import Role


class RealQueue:
    """A server that can be stopped, and started again at the same place."""

    def __init__(self, folder: Path) -> None:
        now = SystemClock().now() - timedelta(minutes=5)
        made = initialize(folder, ["127.0.0.1"], hosts_listen="127.0.0.1:0", people_listen="127.0.0.1:0", now=now)
        self.fingerprint = made.fingerprint
        self.settings = load_settings(QueueSettings, "queue", made.config, {})
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        started: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(serve(self.settings, started=started.set_result))
        where = await asyncio.wait_for(started, 20)
        self.hosts_url = f"https://127.0.0.1:{where.hosts[1]}"
        self.people_url = f"https://127.0.0.1:{where.people[1]}"
        self.settings = msgspec.structs.replace(
            self.settings, hosts_listen=f"127.0.0.1:{where.hosts[1]}", people_listen=f"127.0.0.1:{where.people[1]}"
        )

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def token(self, name: str) -> str:
        return create_token(self.settings, Role.ENROLL, name=name, days=1, now=SystemClock().now())

    def content(self, sha256: str) -> bytes:
        with open_blobs(self.settings.blobs_url).open_content(sha256) as file:
            return file.read()


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[RealQueue]:
    made = RealQueue(tmp_path / "queue")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def link(real: RealQueue, tmp_path: Path) -> QueueLink:
    """A host that enrolled itself."""
    ca = await fetch_ca(real.people_url, real.fingerprint)
    pair = make_host_key()
    enrolled = await enroll(real.people_url, ca, real.token("host"), pair.csr_pem)
    files = {"ca.pem": enrolled.ca, "host.pem": enrolled.certificate, "host.key": pair.key_pem}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    tls = host_client_context(*(tmp_path / name for name in files))
    return QueueLink(real.hosts_url, tls)


async def test_objects_of_every_kind(host: Any, real: RealQueue, link: QueueLink, put: Any) -> None:
    """Whole and large, whole and empty, parts and metadata alone all reach the queue, byte for byte."""
    large, small = os.urandom(CHUNK_MAX_BYTES + 5), os.urandom(3000)
    events = [put(large), put(b""), put(small, [(0, 64), (1000, 2000)]), put(b"abc", [])]
    contents = {each.event_id: each.contents for each in host.outbox.pending(host.clock.now(), 9)}
    async with host.running(link):
        for event_id in events:
            assert (await host.ended(event_id, step_seconds=0.2)).state is ObjectState.DELIVERED
    assert real.content(contents[events[0]][0].sha256) == large
    assert [real.content(content.sha256) for content in contents[events[2]]] == [small[:64], small[1000:3000]]


async def test_duplicate(host: Any, link: QueueLink, put: Any) -> None:
    """What the queue has does not travel again."""
    first = put(b"the same")
    async with host.running(link) as uploader:
        await host.ended(first, step_seconds=0.2)
        second = put(b"the same")
        uploader.wake()
        assert (await host.ended(second, step_seconds=0.2)).state is ObjectState.DUPLICATE


async def test_queue_restarts_in_the_middle(host: Any, real: RealQueue, link: QueueLink, put: Any) -> None:
    """An upload that a restart of the queue broke off goes on at the verified offset."""
    data = os.urandom(3 * CHUNK_MAX_BYTES)
    event_id = put(data)
    (waiting,) = host.outbox.pending(host.clock.now(), 9)
    chunks = 0
    check = host._check

    async def stop_before_the_third(asked: Any) -> str | None:
        nonlocal chunks
        chunks += 1
        if chunks == 5:  # once for the manifest, once for the content, once each for creation and two chunks
            await real.stop()
        return await check(asked)  # type: ignore[no-any-return]

    host._check = stop_before_the_third
    async with host.running(link):
        await host.clock.until(lambda: host.attempts() == [1])
        await real.start()
        record = await host.ended(event_id, step_seconds=0.2)
    assert record.state is ObjectState.DELIVERED
    assert len(data) <= record.sent_bytes <= len(data) + CHUNK_MAX_BYTES
    assert real.content(waiting.contents[0].sha256) == data


async def test_withdrawn_in_the_middle(host: Any, link: QueueLink, put: Any) -> None:
    """A withdrawal ends the upload at the queue too, and the submission never becomes complete."""
    event_id = put(os.urandom(CHUNK_MAX_BYTES + MIB))
    (waiting,) = host.outbox.pending(host.clock.now(), 9)
    asked = 0

    async def withdraw_after_a_chunk(waiting: Any) -> str | None:
        nonlocal asked
        asked += 1
        return "withdrawn" if asked == 5 else None

    host._check = withdraw_after_a_chunk
    async with host.running(link):
        assert (await host.ended(event_id, step_seconds=0.2)).state is ObjectState.RECALLED
        view = await link.submission(event_id)
    assert (view.state, view.missing) == (SubmissionState.RECEIVING, [waiting.contents[0].sha256])


async def test_token_is_good_once(real: RealQueue) -> None:
    """A second host cannot enrol with the same token."""
    ca, token = await fetch_ca(real.people_url, real.fingerprint), real.token("once")
    await enroll(real.people_url, ca, token, make_host_key().csr_pem)
    with pytest.raises(IdentityError, match="token"):
        await enroll(real.people_url, ca, token, make_host_key().csr_pem)


async def test_quotas_of_the_queue(host: Any, real: RealQueue, link: QueueLink, put: Any) -> None:
    """What is more than a day's bytes ends as rejected, by the quota's name; what is over a day's objects waits in the
    spool, and is delivered once there is room."""
    now = SystemClock().now()
    change_tenant(real.settings, "default", Quotas(device_bytes=1000, device_objects=1), now=now)
    large = put(os.urandom(1001))
    async with host.running(link) as uploader:
        refused = await host.ended(large, step_seconds=0.2)
        assert (refused.state, "device_bytes" in (refused.detail or "")) == (ObjectState.REJECTED, True)
        first, second = put(b"first"), put(b"second")
        uploader.wake()
        await host.clock.until(lambda: any(host.state(each).is_final for each in (first, second)), step_seconds=0.2)
        await host.clock.until(lambda: host.attempts() == [1], step_seconds=0.2)
        change_tenant(real.settings, "default", Quotas(), now=now)
        for event_id in (first, second):
            assert (await host.ended(event_id, step_seconds=600.0)).state is ObjectState.DELIVERED
