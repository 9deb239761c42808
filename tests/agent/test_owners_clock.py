from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sampler.agent.owners_clock import OwnersClock
from sampler.permit import Consent, shipped_statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class Clocks:
    """The machine's two clocks, both set by hand."""

    def __init__(self) -> None:
        self.wall, self.ticks, self.slept = NOW, 100.0, 0.0

    def now(self) -> datetime:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def monotonic(self) -> float:
        return self.ticks


def owners(clocks: Clocks, floor: datetime | None = None) -> OwnersClock:
    return OwnersClock(clocks, floor, monotonic=clocks.monotonic)


@given(st.lists(st.tuples(st.integers(-(10**8), 10**8), st.floats(0, 1000)), max_size=20))
def test_it_never_goes_back(steps: list[tuple[int, float]]) -> None:
    """However the machine's clock jumps, a moment that was told is never followed by an earlier one."""
    clocks = Clocks()
    clock, last = owners(clocks), NOW
    for seconds, passed in steps:
        clocks.wall += timedelta(seconds=seconds)
        clocks.ticks += passed
        assert clock.now() >= max(last, clocks.wall)
        last = clock.now()


def test_time_goes_on_while_the_machines_clock_is_behind() -> None:
    """What waits for a moment still comes to it: seconds pass at the pace of the monotonic clock."""
    clocks = Clocks()
    clock = owners(clocks)
    clocks.wall -= timedelta(days=400)
    clocks.ticks += 60
    assert clock.now() == NOW + timedelta(seconds=60)


def test_it_begins_where_the_journal_ends() -> None:
    """A restart with a clock set back does not begin before the last entry; one that is ahead of it is believed."""
    assert owners(Clocks(), NOW + timedelta(days=3)).now() == NOW + timedelta(days=3)
    assert owners(Clocks(), NOW - timedelta(days=3)).now() == NOW


def test_no_expired_consent_comes_back() -> None:
    """Once it was seen expired, it stays so when the clock jumps back to its best days."""
    clocks = Clocks()
    clock = owners(clocks)
    consent = Consent(shipped_statement("basic").ref, shipped_statement("basic").scopes, "ann", NOW, NOW + timedelta(1))
    assert consent.stands(clock.now())
    clocks.wall += timedelta(days=2)
    assert not consent.stands(clock.now())
    clocks.wall -= timedelta(days=2)
    assert not consent.stands(clock.now())
    assert not consent.stands(owners(clocks, clock.now()).now())


async def test_waiting_is_the_machines() -> None:
    """It waits as the clock below it does."""
    clocks = Clocks()
    await owners(clocks).sleep(7)
    assert clocks.slept == 7
