"""This process's side of what several that share a ledger have in common: rings, turns, and who does the chores.

Rings are gathered for a moment and told together. A ring that gets lost (its process died, the way to the others was
broken) delays whoever waits for it by ``_LOOK_SECONDS`` at most: that often everybody looks by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Final

import structlog

from sampler.errors import SettingsError, StorageError
from sampler.queue.peers import HEARD_NOT, Peers
from sampler.queue.waking import Bells
from sampler.runtime.blocking import Lane
from sampler.runtime.tasks import TaskKeeper

log = structlog.get_logger()

_GATHER_SECONDS: Final = 0.01
_LOOK_SECONDS: Final = 15.0
_FIRST_REST_SECONDS: Final = 0.005
_MOST_REST_SECONDS: Final = 0.08
"""Between two looks whether another process has let go of a key."""


class Sharing:
    """Bells and turns across processes. ``open`` before, ``close`` after; without peers it costs nothing."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._lane = Lane("queue-peers")
        self._keeper = TaskKeeper("queue-peers")
        self._untold: set[str] = set()
        self._something = asyncio.Event()
        self._closing = False
        self.bells = Bells(self._note if peers.shared else None)

    async def open(self, *, alone: bool) -> None:
        """Begin to listen and to tell; ``alone`` says that there must be no others.

        Raises:
            SettingsError: there is another one, or there must be none.
            StorageError: nobody can tell now.
        """
        if not self._peers.shared:
            return
        if alone and not await self._lane.run(self._peers.try_hold, "server"):
            raise SettingsError("another server uses this ledger; give both the same contents: blobs = s3://BUCKET")
        loop = asyncio.get_running_loop()

        def heard(keys: Collection[str] | None) -> None:
            loop.call_soon_threadsafe(self._hear, keys)

        await self._lane.run(self._peers.listen, heard)
        self._keeper.start("tell", self._tell())
        self._keeper.start("look", self._look())

    async def close(self) -> None:
        """Let go of everything; what was rung and not told yet is not told any more."""
        self._closing = True
        await self._keeper.close()
        await self._lane.run(self._peers.close)
        await self._lane.close()

    async def take(self, key: str) -> None:
        """Wait until no other process has this key.

        Raises:
            StorageError: nobody can tell now.
        """
        rest = _FIRST_REST_SECONDS
        while not await self._lane.run(self._peers.try_hold, key):
            await asyncio.sleep(rest)
            rest = min(2 * rest, _MOST_REST_SECONDS)

    def give(self, key: str, given: Callable[[], None]) -> None:
        """Let others have it, whether or not it was got; ``given`` is called once they can."""
        if self._closing:
            given()
        else:
            self._keeper.start(f"give {key}", self._let_go(key, given))

    @contextlib.asynccontextmanager
    async def chore(self, name: str) -> AsyncIterator[bool]:
        """Whether this process is the one that does this chore now; it is as long as this lasts.

        Raises:
            StorageError: nobody can tell now.
        """
        if not self._peers.shared:
            yield True
            return
        key = f"chore/{name}"
        try:
            yield await self._lane.run(self._peers.try_hold, key)
        finally:
            await self._let_go(key, _nothing)

    async def _let_go(self, key: str, given: Callable[[], None]) -> None:
        try:
            await self._lane.run(self._peers.let_go, key)
        except StorageError as error:
            log.warning("a key is free only once its session has ended", key=key, error=str(error))
        finally:
            given()

    def _note(self, key: str) -> None:
        self._untold.add(key)
        self._something.set()

    async def _tell(self) -> None:
        while True:
            await self._something.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._something.clear()
            keys, self._untold = self._untold, set()
            try:
                await self._lane.run(self._peers.ring, keys)
            except StorageError as error:
                log.warning("other servers were not told; they look by themselves", keys=len(keys), error=str(error))

    def _hear(self, keys: Collection[str] | None) -> None:
        if keys is HEARD_NOT:
            self.bells.ring_all_here()
            return
        for key in keys:
            self.bells.ring_here(key)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.bells.ring_all_here()


def _nothing() -> None:
    """Nobody here waits for it."""
