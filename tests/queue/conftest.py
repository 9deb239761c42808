from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.identity import SigningKey
from sampler.queue import Body, Queue, QueuePolicy, RetryRules
from sampler.runtime.backoff import Backoff
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage

DEVICE = "11111111-1111-4111-8111-111111111111"


class HandClock:
    """A clock that a test moves; who sleeps sleeps until cancelled."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def policy() -> QueuePolicy:
    backoff = Backoff(first_seconds=10, most_seconds=100)
    return QueuePolicy(retry=RetryRules(3, backoff), uploads_per_device_max=4, object_max_bytes=64 << 20)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def ledger() -> MemoryQueueLedger:
    return MemoryQueueLedger()


@pytest.fixture
def signing_key(tmp_path: Path) -> SigningKey:
    return SigningKey.create(tmp_path / "receipt.key")


@pytest.fixture
def make_queue(
    ledger: MemoryQueueLedger, blobs: FolderBlobs, clock: HandClock, policy: QueuePolicy, signing_key: SigningKey
) -> Callable[..., Queue]:
    """A queue over the same records and bytes as every other one that a test makes."""

    def make(*, reserve_bytes: int = 0) -> Queue:
        store = FolderBlobs(blobs.folder, reserve_bytes=reserve_bytes)
        return Queue(ledger, store, clock, policy, signer=signing_key, chance=lambda: 1.0)

    return make


@pytest.fixture
async def queue(make_queue: Callable[..., Queue]) -> AsyncIterator[Queue]:
    async with make_queue() as opened:
        yield opened


@pytest.fixture
def device() -> str:
    return DEVICE


@pytest.fixture
def make_manifest() -> Callable[..., Manifest]:
    def make(
        *contents_of: bytes,
        id: str | None = None,  # noqa: A002
        sha256: str = "a" * 64,
        size: int = 0,
        contents: list[ContentMessage] | None = None,
    ) -> Manifest:
        if contents_of:
            sha256, size = hashlib.sha256(contents_of[0]).hexdigest(), len(contents_of[0])
            contents = [ContentMessage(sha256=sha256, size=size)]
        return Manifest(
            id=id or str(uuid.uuid4()),
            created=datetime(2026, 1, 2, tzinfo=UTC),
            object=ObjectMessage(sha256=sha256, size=size),
            statement=StatementMessage(id="basic", version=1, digest="0" * 64),
            contents=contents or [],
        )

    return make


@pytest.fixture
def body() -> Callable[..., Body]:
    """Chunks, perhaps ended by an error, as the server would read them from the network."""

    def make(*chunks: bytes, fault: Exception | None = None) -> Body:
        async def read(room: int) -> AsyncIterator[bytes]:
            assert sum(map(len, chunks)) <= room
            for chunk in chunks:
                yield chunk
            if fault is not None:
                raise fault

        return read

    return make


@pytest.fixture
def deliver(queue: Queue, make_manifest: Callable[..., Manifest], body: Callable[..., Body]) -> Callable[..., object]:
    """Submit bytes as a whole object and upload them; the submission's identifier."""

    async def run(data: bytes, device: str = DEVICE) -> str:
        manifest = make_manifest(data)
        answer = await queue.submit(device, encode(manifest))
        for sha256 in answer.wanted:
            upload = await queue.create_upload(device, manifest.id, sha256, len(data))
            if not upload.finished:
                await queue.append(device, upload.id, 0, body(data))
        return manifest.id

    return run
