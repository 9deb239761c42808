"""What comes in counts against the day's quotas."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.errors import ContentMismatch, QuotaReached, TooLarge
from sampler.queue import Body, Device, Queue, QueuePolicy, Quotas, Tenant, Usage
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TODAY = NOW.date()
BANK, SHOP = "11111111-1111-4111-8111-11111111111b", "11111111-1111-4111-8111-11111111111c"

MakeManifest = Callable[..., Manifest]
MakeBody = Callable[..., Body]
Deliver = Callable[..., Awaitable[str]]


@pytest.fixture
def policy(policy: QueuePolicy) -> QueuePolicy:
    return replace(policy, quotas=Quotas(device_objects=3, device_bytes=100))


@pytest.fixture
def ledger(ledger: MemoryQueueLedger) -> MemoryQueueLedger:
    """Two hosts of a tenant that may bring less than the queue takes from others."""
    ledger.add_tenant(Tenant("bank", NOW, Quotas(device_objects=9, tenant_objects=2)))
    for agent_id in (BANK, SHOP):
        ledger.add_device(Device(agent_id, "abc", "lab", NOW, NOW, tenant="bank"))
    return ledger


async def test_a_host_brings_so_many_objects_a_day(
    queue: Queue, device: str, clock: Any, make_manifest: MakeManifest, ledger: MemoryQueueLedger
) -> None:
    """The one too many is refused and leaves nothing; the same one again was counted before; tomorrow it comes in."""
    first, second, third, fourth = (encode(make_manifest()) for _ in range(4))
    for manifest in (first, second, third, third):
        await queue.submit(device, manifest)
    with pytest.raises(QuotaReached, match="device_objects") as raised:
        await queue.submit(device, fourth)
    assert ledger.used(TODAY, device) == Usage(3, 0)
    assert await queue.submit(device, first), "what was accepted stays accepted"
    clock.advance(raised.value.retry_after_seconds)
    await queue.submit(device, fourth)


async def test_only_bytes_that_travel_count(
    queue: Queue, device: str, deliver: Deliver, make_manifest: MakeManifest, ledger: MemoryQueueLedger
) -> None:
    """What the tenant has delivered before costs an object and no bytes."""
    await deliver(b"x" * 60)
    await queue.submit(device, encode(make_manifest(b"x" * 60)))
    assert ledger.used(TODAY, device) == Usage(2, 60)
    with pytest.raises(QuotaReached, match="device_bytes: 60 of 100"):
        await queue.submit(device, encode(make_manifest(b"y" * 41)))
    await queue.submit(device, encode(make_manifest(b"y" * 40)))


async def test_an_object_larger_than_a_day_is_refused_for_good(
    queue: Queue, device: str, make_manifest: MakeManifest
) -> None:
    """Waiting would not help it, and the error says so."""
    with pytest.raises(TooLarge, match="device_bytes"):
        await queue.submit(device, encode(make_manifest(b"x" * 101)))


async def test_a_tenants_hosts_share_its_quota(queue: Queue, make_manifest: MakeManifest) -> None:
    """What one of its hosts brought is not there for another; a tenant's own quotas come before the queue's."""
    await queue.submit(BANK, encode(make_manifest()))
    await queue.submit(SHOP, encode(make_manifest()))
    for agent_id in (BANK, SHOP):
        with pytest.raises(QuotaReached, match="tenant_objects: 2 of 2"):
            await queue.submit(agent_id, encode(make_manifest()))


async def test_false_bytes_cost_as_much_as_true_ones(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody, ledger: MemoryQueueLedger
) -> None:
    """A host that sends others than it announced, over and over, ends at its quota as well."""
    data = b"x" * 60
    manifest = make_manifest(data)
    await queue.submit(device, encode(manifest))
    sha256 = hashlib.sha256(data).hexdigest()
    upload = await queue.create_upload(device, manifest.id, sha256, 60)
    with pytest.raises(ContentMismatch):
        await queue.append(device, upload.id, 0, body(b"y" * 60))
    assert ledger.used(TODAY, device) == Usage(1, 120)
    with pytest.raises(QuotaReached, match="device_bytes"):
        await queue.create_upload(device, manifest.id, sha256, 60)


async def test_what_is_thrown_away_counts(
    queue: Queue, device: str, make_manifest: MakeManifest, body: MakeBody, ledger: MemoryQueueLedger
) -> None:
    """An upload that is begun anew counts what had come of the one before."""
    manifest = make_manifest(b"x" * 60)
    await queue.submit(device, encode(manifest))
    sha256 = hashlib.sha256(b"x" * 60).hexdigest()
    upload = await queue.create_upload(device, manifest.id, sha256, 60)
    with contextlib.suppress(TooLarge):
        await queue.append(device, upload.id, 0, body(b"x" * 40, fault=TooLarge("broken off")))
    again = await queue.create_upload(device, manifest.id, sha256, 60)
    assert ledger.used(TODAY, device) == Usage(1, 100)
    await queue.append(device, again.id, 0, body(b"x" * 60))
    assert ledger.used(TODAY, device) == Usage(1, 100)


async def test_numbers_are_kept_for_a_month(
    queue: Queue, device: str, clock: Any, make_manifest: MakeManifest, ledger: MemoryQueueLedger
) -> None:
    """The sweep forgets them after that."""
    await queue.submit(device, encode(make_manifest()))
    clock.advance(31 * 86_400)
    await queue.sweep()
    assert ledger.used(TODAY, device) == Usage(1, 0)
    clock.advance(86_400)
    await queue.sweep()
    assert ledger.used(TODAY, device) == Usage()
