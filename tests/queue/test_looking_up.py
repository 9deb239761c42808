"""Look-ups at a queue: from a worker's verdict to a host's answer."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from sampler.errors import Conflict
from sampler.limits import LOOKUP_CROWD_COUNT
from sampler.model import Conclusion, Verdict
from sampler.queue import Ledger, Listed, Queue
from sampler.wire.lookup_messages import prefix_of
from sampler.wire.messages import CompleteRequest, LeaseRequest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Deliver = Callable[..., Awaitable[str]]


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


@pytest.fixture
def concluded(queue: Queue, deliver: Deliver) -> Callable[..., Awaitable[str]]:
    """Deliver bytes and conclude; the submission."""

    async def run(data: bytes, conclusion: Conclusion = Conclusion.MALICIOUS) -> str:
        submission = await deliver(data)
        lease = (await queue.lease(LeaseRequest(worker="w", seconds=60))).lease
        assert lease is not None
        report = CompleteRequest(lease=lease.lease, conclusion=conclusion, score=90, analyzer="a")
        await queue.complete(lease.task.id, report)
        return submission

    return run


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_verdict_can_be_looked_up(queue: Queue, device: str, concluded: Callable[..., Awaitable[str]]) -> None:
    """By any host of the tenant; a queue that knows little tells all of it, so that nothing is told to it."""
    assert (await queue.lookup_terms(device)).bits == 0
    assert (await queue.look_up(device, 0, 0)).entries == ()
    await concluded(b"bad")
    await concluded(b"who knows", Conclusion.UNKNOWN)
    (entry,) = (await queue.look_up(device, 0, 0)).entries
    assert (entry.sha256, entry.conclusion, entry.score) == (hash_of(b"bad"), Conclusion.MALICIOUS, 90)


async def test_prefixes_grow_with_the_list(queue: Queue, device: str, concluded: Callable[..., Awaitable[str]]) -> None:
    """Each answer has what begins with the prefix, and all answers together have everything."""
    for number in range(2 * LOOKUP_CROWD_COUNT):
        await concluded(b"%d" % number)
    assert (await queue.lookup_terms(device)).bits == 1
    halves = [await queue.look_up(device, 1, prefix) for prefix in (0, 1)]
    assert all(prefix_of(entry.sha256, 1) == half.prefix for half in halves for entry in half.entries)
    assert sum(len(half.entries) for half in halves) == 2 * LOOKUP_CROWD_COUNT


async def test_longer_prefixes_are_refused(queue: Queue, device: str) -> None:
    """A host that tells more than it need is told so, instead of being listened to."""
    with pytest.raises(Conflict, match="ask by 0 bits at most, not by 1"):
        await queue.look_up(device, 1, 0)


async def test_too_short_prefixes_are_refused(queue: Queue, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer has more than its ceiling; a host is told by how many bits to ask instead."""
    monkeypatch.setattr("sampler.queue.looking_up.LOOKUP_ENTRIES_MAX_COUNT", 40)
    verdict = Verdict(Conclusion.MALICIOUS, 90, "a", NOW, expires=NOW + timedelta(days=1))

    def fill(ledger: Ledger) -> None:
        for number in range(100):
            ledger.list_verdict(Listed("default", hash_of(b"%d" % number), "s", verdict))

    await queue._step(fill)
    with pytest.raises(Conflict, match="more than 40 files begin with these 0 bits; ask by 1"):
        await queue.look_up(device, 0, 0)


async def test_verdicts_expire(
    queue: Queue, device: str, clock: MovedClock, concluded: Callable[..., Awaitable[str]]
) -> None:
    """After the time that the operator gave them; then their lines go."""
    await concluded(b"good", Conclusion.BENIGN)
    clock.advance(7 * 86_400 - 1)
    assert len((await queue.look_up(device, 0, 0)).entries) == 1
    clock.advance(1)
    assert (await queue.look_up(device, 0, 0)).entries == ()
    await queue.sweep()
    assert await queue._step(lambda ledger: ledger.listed_count("default", "f" * 64, 9)) == 0


async def test_what_was_recalled_is_not_told(
    queue: Queue, device: str, concluded: Callable[..., Awaitable[str]]
) -> None:
    """With the submission its line is gone."""
    submission = await concluded(b"bad")
    await queue.recall(device, submission, "person")
    assert (await queue.look_up(device, 0, 0)).entries == ()
