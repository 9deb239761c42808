"""Quotas hold, and the record of who did what stays one chain, over however many servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import QuotaReached
from sampler.identity import SigningKey
from sampler.queue import Actor, AuditQuestion, Queue, QueuePolicy, Quotas
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_ledger, open_peers
from sampler.wire.audit_messages import Action, first_break
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest

ANN = Actor("ann", "analyst", "default")
WAIT_SECONDS = 90


class SharedFolder(FolderBlobs):
    """One folder that both servers reach, as they would a bucket."""

    shared = True


@pytest.fixture
async def servers(
    postgres_url: str, tmp_path: Path, clock: Any, policy: QueuePolicy, signing_key: SigningKey
) -> AsyncIterator[tuple[Queue, Queue]]:
    """Two servers of one ledger, whose tenants may bring five objects a day."""
    limited = replace(policy, quotas=Quotas(tenant_objects=5))

    def make() -> Queue:
        peers, ledger = open_peers(postgres_url), open_ledger(postgres_url)
        return Queue(ledger, SharedFolder(tmp_path / "blobs"), clock, limited, signer=signing_key, peers=peers)

    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(make()), await stack.enter_async_context(make())


async def test_two_servers_let_no_more_in_than_one(
    servers: tuple[Queue, Queue], make_manifest: Callable[..., Manifest]
) -> None:
    """Of many hosts that come at once to both, as many get in as the tenant's quota says, and no more."""

    async def come(number: int) -> bool:
        try:
            await servers[number % 2].submit(f"d{number}", encode(make_manifest()))
        except QuotaReached:
            return False
        return True

    async with asyncio.timeout(WAIT_SECONDS):
        let_in = await asyncio.gather(*map(come, range(12)))
    assert sum(let_in) == 5


async def test_two_servers_write_one_chain(servers: tuple[Queue, Queue]) -> None:
    """Entries of both come in, both give out places, and every entry is in the chain once."""

    async def act(number: int) -> None:
        server = servers[number % 2]
        await server.note(ANN, Action.DOWNLOAD, f"s{number}")
        if number % 3 == 0:
            await server.chain_acts()

    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(*map(act, range(30)))
    page = await servers[0].audit(AuditQuestion())
    assert sorted(line.subject for line in page.entries) == sorted(f"s{number}" for number in range(30))
    assert first_break(page.entries) is None
