from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from sampler.errors import Conflict, IdentityError, StorageError
from sampler.queue import Device, Queue, TokenRecord
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.routes import Role

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DEVICE = Device("11111111-1111-4111-8111-111111111111", "abc", "lab", NOW, NOW + timedelta(days=365))
TOKEN = TokenRecord("f" * 64, Role.ENROLL, "lab", NOW, NOW + timedelta(days=1))


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


async def test_a_token_enrolls_one_device(queue: Queue, ledger: MemoryQueueLedger) -> None:
    """The device is known under its certificate from then on, and the token is used up."""
    ledger.add_token(TOKEN)
    await queue.enroll(TOKEN.digest, DEVICE)
    assert await queue.device(DEVICE.agent_id, "abc") == DEVICE
    assert await queue.token(TOKEN.digest) is None
    other = replace(DEVICE, agent_id="22222222-2222-4222-8222-222222222222")
    with pytest.raises(IdentityError, match="has been used"):
        await queue.enroll(TOKEN.digest, other)
    assert ledger.devices() == (DEVICE,)


async def test_a_failed_enrolment_leaves_the_token(queue: Queue, ledger: MemoryQueueLedger) -> None:
    """Token and device change together or not at all."""
    ledger.add_token(TOKEN)
    ledger.add_device(DEVICE)
    with pytest.raises(Conflict):
        await queue.enroll(TOKEN.digest, DEVICE)
    assert await queue.token(TOKEN.digest) == TOKEN


async def test_an_outdated_token_is_none(queue: Queue, ledger: MemoryQueueLedger, clock: MovedClock) -> None:
    """A token is good until its end and not at it."""
    ledger.add_token(TOKEN)
    clock.advance(86400)
    assert await queue.token(TOKEN.digest) is None
    with pytest.raises(IdentityError):
        await queue.enroll(TOKEN.digest, DEVICE)


@pytest.mark.parametrize(
    ("known", "serial", "reason"),
    [
        (None, "abc", "not enrolled"),
        (DEVICE, "abd", "another certificate"),
        (replace(DEVICE, revoked=NOW), "abc", "revoked"),
        (replace(DEVICE, expires=NOW), "abc", "run out"),
    ],
)
async def test_a_device_that_is_not_welcome_is_told_why(
    queue: Queue, ledger: MemoryQueueLedger, known: Device | None, serial: str, reason: str
) -> None:
    """Unknown, under another certificate, revoked, or past its end: each is refused in its own words."""
    if known is not None:
        ledger.add_device(known)
    with pytest.raises(IdentityError, match=reason):
        await queue.device(DEVICE.agent_id, serial)


async def test_the_sweep_survives_a_ledger_that_does_not_answer(
    make_queue: Callable[..., Queue], ledger: MemoryQueueLedger, monkeypatch: pytest.MonkeyPatch, clock: MovedClock
) -> None:
    """A sweep that fails is logged, and the next one goes on."""
    rounds: list[float] = []
    third = asyncio.Event()

    async def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            third.set()
            await asyncio.get_running_loop().create_future()

    def broken() -> None:
        raise StorageError("the ledger failed")

    monkeypatch.setattr(clock, "sleep", sleep)
    async with make_queue(), asyncio.timeout(10):
        monkeypatch.setattr(ledger, "transaction", broken)
        await third.wait()


async def test_a_queue_that_cannot_recover_lets_go_of_its_ledger(
    make_queue: Callable[..., Queue], ledger: MemoryQueueLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the start fails nothing stays open behind it."""
    closed: list[bool] = []

    def broken() -> tuple[()]:
        raise StorageError("the ledger failed")

    monkeypatch.setattr(ledger, "uploads", broken)
    monkeypatch.setattr(ledger, "close", lambda: closed.append(True))
    with pytest.raises(StorageError):
        await make_queue().__aenter__()
    assert closed == [True]
