from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.consent_gate import ConsentGate
from sampler.agent.consents import Acceptance, ConsentStore
from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit import shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SOME = frozenset({Scope.REPUTATION})


class Clock:
    """Gives way whenever somebody waits, and stands still."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Line:
    def __init__(self) -> None:
        self.hung_up = 0

    async def hang_up(self) -> None:
        self.hung_up += 1


class Work:
    """Something that talks to the queue for as long as it may."""

    def __init__(self) -> None:
        self.begun, self.running = 0, False

    async def run(self) -> None:
        self.begun, self.running = self.begun + 1, True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> ConsentStore:
    return ConsentStore(tmp_path)


@pytest.fixture
def gate(store: ConsentStore, clock: Clock) -> ConsentGate:
    return ConsentGate(store, clock)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
async def work(gate: ConsentGate, line: Line) -> AsyncIterator[Work]:
    made = Work()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gate.watch(line)), group.create_task(gate.keep(made.run))]
        yield made
        for task in tasks:
            task.cancel()


async def until(work: Work, *, running: bool) -> None:
    async with asyncio.timeout(20):
        while work.running is not running:
            await asyncio.sleep(0.01)


def accept(store: ConsentStore, *, expires: datetime | None = None) -> None:
    store.accept(Acceptance(shipped_statement("basic"), SOME, "ann", expires), NOW)


async def test_nothing_runs_before_a_consent_stands(store: ConsentStore, gate: ConsentGate, work: Work) -> None:
    """What talks to the queue begins with the acceptance, not before."""
    for _ in range(50):
        await asyncio.sleep(0.002)
    assert (work.begun, gate.is_open) == (0, False)
    accept(store)
    await until(work, running=True)
    assert gate.is_open


async def test_a_withdrawal_breaks_off_what_runs(store: ConsentStore, work: Work, line: Line) -> None:
    """It is cancelled and every connection closed, and after the next acceptance it begins anew."""
    accept(store)
    await until(work, running=True)
    store.withdraw(None, "ann", NOW)
    await until(work, running=False)
    async with asyncio.timeout(20):
        while not line.hung_up:
            await asyncio.sleep(0.01)
    accept(store)
    await until(work, running=True)
    assert (work.begun, line.hung_up) == (2, 1)


async def test_an_expiry_is_as_good_as_a_withdrawal(store: ConsentStore, clock: Clock, work: Work) -> None:
    """At the moment at which the consent ends, so does what runs under it."""
    accept(store, expires=NOW + timedelta(hours=1))
    await until(work, running=True)
    clock.at += timedelta(hours=1)
    await until(work, running=False)
    assert not work.running


async def test_damage_is_as_good_as_a_withdrawal(store: ConsentStore, work: Work, tmp_path: Path) -> None:
    """A consent that counts as absent lets nothing run."""
    accept(store)
    await until(work, running=True)
    (tmp_path / "consent.json").write_bytes(b"?")
    await until(work, running=False)
    assert not work.running


async def test_each_request_asks_the_gate(store: ConsentStore, gate: ConsentGate) -> None:
    """Whoever asks between a withdrawal and the next look is told no all the same."""
    with pytest.raises(ConsentError, match="P1 no-consent"):
        await gate.check()
    accept(store)
    await gate.check()
    store.withdraw(None, "ann", NOW)
    with pytest.raises(ConsentError, match="P1 no-consent"):
        await gate.check()


async def test_work_that_ends_by_an_error_is_told(store: ConsentStore, gate: ConsentGate, line: Line) -> None:
    """An error of what runs comes out, as it would without the gate."""
    accept(store)

    async def fails() -> None:
        raise RuntimeError("broken")

    watching = asyncio.create_task(gate.watch(line))
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="broken")):
        await gate.keep(fails)
    watching.cancel()
    await asyncio.wait([watching])
