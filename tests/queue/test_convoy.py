"""Steps that are committed together."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest

from sampler.errors import NotFound, StorageError, StorageFull
from sampler.queue.convoy import Convoy
from sampler.runtime.blocking import Lane


class Store:
    """A ledger that notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.commits = 0
        self.fault: Exception | None = None
        """What the next commit of several fails of."""
        self.hold = threading.Event()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        before = list(self.done)
        yield
        if self.fault is not None:
            self.done, fault, self.fault = before, self.fault, None
            raise fault
        self.commits += 1

    def note(self, name: str) -> str:
        self.done.append(name)
        return name

    def refuse(self) -> None:
        raise NotFound("not this one")

    def wait(self) -> None:
        self.hold.wait(30)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def convoy(store: Any) -> AsyncIterator[Convoy]:
    lane = Lane("test")
    made = Convoy(store, lane)
    yield made
    await made.end()
    await lane.close()


async def _begun(convoy: Convoy, store: Store) -> asyncio.Future[None]:
    """A step that holds the lane, so that those that come gather behind it."""
    holding = asyncio.ensure_future(convoy.run(store.wait))
    async with asyncio.timeout(10):
        while convoy._waiting or convoy._driver is None:
            await asyncio.sleep(0)
    return holding


async def test_one_is_not_kept_waiting(convoy: Convoy, store: Store) -> None:
    """A step that comes alone commits by itself."""
    assert await convoy.run(partial(store.note, "a")) == "a"
    assert store.commits == 0


async def test_those_that_come_meanwhile_are_one_commit(convoy: Convoy, store: Store) -> None:
    """Each has its own answer, in the order of asking."""
    holding = await _begun(convoy, store)
    works = [asyncio.ensure_future(convoy.run(partial(store.note, name))) for name in "abcd"]
    await asyncio.sleep(0)
    store.hold.set()
    assert await asyncio.gather(*works) == ["a", "b", "c", "d"]
    await holding
    assert (store.done, store.commits) == (["a", "b", "c", "d"], 1)


async def test_one_that_fails_fails_alone(convoy: Convoy, store: Store) -> None:
    """The others are committed."""
    holding = await _begun(convoy, store)
    works: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(convoy.run(partial(store.note, "a"))),
        asyncio.ensure_future(convoy.run(store.refuse)),
        asyncio.ensure_future(convoy.run(partial(store.note, "b"))),
    ]
    await asyncio.sleep(0)
    store.hold.set()
    first, refused, last = await asyncio.gather(*works, return_exceptions=True)
    await holding
    assert (first, type(refused), last) == ("a", NotFound, "b")
    assert store.commits == 1


@pytest.mark.parametrize("fault", [StorageError("the ledger failed"), StorageFull("the disk is full")])
async def test_where_they_cannot_be_one_each_is_tried_alone(convoy: Convoy, store: Store, fault: Exception) -> None:
    """Nobody is told of something that was undone."""
    store.fault = fault
    holding = await _begun(convoy, store)
    works = [asyncio.ensure_future(convoy.run(partial(store.note, name))) for name in "ab"]
    await asyncio.sleep(0)
    store.hold.set()
    assert await asyncio.gather(*works) == ["a", "b"]
    await holding
    assert (store.done, store.commits) == (["a", "b"], 0)


async def test_whoever_is_cancelled_before_it_begins_does_nothing(convoy: Convoy, store: Store) -> None:
    """And those behind it go on."""
    holding = await _begun(convoy, store)
    works = [asyncio.ensure_future(convoy.run(partial(store.note, name))) for name in "abc"]
    await asyncio.sleep(0)
    works[1].cancel()
    await asyncio.sleep(0)
    store.hold.set()
    await asyncio.gather(*works, return_exceptions=True)
    await holding
    assert store.done == ["a", "c"]


async def test_the_end_waits_for_all(convoy: Convoy, store: Store) -> None:
    """Also for those that nobody waits for."""
    works = [asyncio.ensure_future(convoy.run(partial(store.note, name))) for name in "abc"]
    await asyncio.sleep(0)
    await convoy.end()
    assert store.done == ["a", "b", "c"]
    assert await asyncio.gather(*works) == ["a", "b", "c"]
