from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from sampler.errors import StorageError
from sampler.queue.waking import Bells, Locks, rung


async def test_a_ring_wakes_all_who_listen() -> None:
    """Everybody who listened before the ring is woken, and whoever listens afterwards waits for the next."""
    bells = Bells()
    first, second = bells.listen("a"), bells.listen("a")
    bells.ring("a")
    assert await rung(first, 10)
    assert await rung(second, 10)
    assert not await rung(bells.listen("a"), 0)


async def test_a_ring_wakes_nobody_else() -> None:
    """Another key's ring is not heard."""
    bells = Bells()
    event = bells.listen("a")
    bells.ring("b")
    assert not await rung(event, 0.01)


async def test_nothing_is_kept_of_keys_that_nobody_waits_for() -> None:
    """Bells and locks of a key go with the last one who holds on to them."""
    bells, locks = Bells(), Locks()
    bells.listen("a")
    locks.of("a")
    gc.collect()
    assert len(bells._events) == len(locks._locks) == 0


async def test_a_lock_is_one_for_each_key() -> None:
    """Two who ask for one key's lock get the same one while either holds on to it."""
    locks = Locks()
    lock = locks.of("a")
    assert locks.of("a") is lock
    assert locks.of("b") is not lock


async def test_silencing_wakes_everybody() -> None:
    """When the process ends nobody goes on waiting."""
    bells = Bells()
    events = [bells.listen("a"), bells.listen("b")]
    bells.silence()
    assert bells.silenced
    assert all(await asyncio.gather(*(rung(event, 10) for event in events)))


async def test_what_rings_here_is_told_and_what_was_heard_is_not() -> None:
    """Others hear of rings that began here; a ring that came from them is not sent back."""
    told: list[str] = []
    bells = Bells(told.append)
    events = [bells.listen(key) for key in ("a", "b", "c")]
    bells.ring("a")
    bells.ring_here("b")
    assert [event.is_set() for event in events] == [True, True, False]
    bells.ring_all_here()
    assert events[2].is_set()
    assert told == ["a"]


class Refusing:
    """Other processes that cannot be asked."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def take(self, key: str) -> None:
        raise StorageError("nobody can tell")

    def give(self, key: str, given: Callable[[], None]) -> None:
        self.given.append(key)
        given()


async def test_a_lock_that_others_cannot_grant_is_free_here() -> None:
    """When it cannot be told whether another process has it, nobody has it, and the next one may ask."""
    turns = Refusing()
    locks = Locks(turns)
    for _ in range(2):
        with pytest.raises(StorageError):
            await locks.of("a").acquire()
    assert turns.given == ["a", "a"]
