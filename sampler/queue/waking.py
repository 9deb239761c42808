"""Waking those who wait inside this process, and one at a time for what only one may do.

Both keep nothing about a key that nobody waits for, so hosts cannot make them grow. What other processes have to do
with it is ``sharing``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol
from weakref import WeakValueDictionary


class Bells:
    """One bell a key; a ring wakes everybody who listens at that moment.

    Listen first, look second, wait third: then no ring is missed.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        """``tell`` hears of every ring that began in this process."""
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._tell = tell
        self.silenced = False
        """From now on nobody should wait: the process is about to end."""

    def listen(self, key: str) -> asyncio.Event:
        """An event that the next ring of this key sets."""
        event = self._events.get(key)
        if event is None:
            event = self._events[key] = asyncio.Event()
        return event

    def ring(self, key: str) -> None:
        """Wake everybody who listens to this key, here and elsewhere."""
        self.ring_here(key)
        if self._tell is not None:
            self._tell(key)

    def ring_here(self, key: str) -> None:
        """Wake everybody in this process who listens to this key."""
        event = self._events.pop(key, None)
        if event is not None:
            event.set()

    def ring_all_here(self) -> None:
        """Let everybody in this process look again, because a ring may have been missed."""
        for key in list(self._events):
            self.ring_here(key)

    def silence(self) -> None:
        """Wake everybody, for good."""
        self.silenced = True
        self.ring_all_here()


class Turns(Protocol):
    """Takes turns with other processes."""

    async def take(self, key: str) -> None:
        """Wait until no other process has this key.

        Raises:
            StorageError: nobody can tell now.
        """

    def give(self, key: str, given: Callable[[], None]) -> None:
        """Let others have it, whether or not it was got; ``given`` is called once they can."""


class KeyLock:
    """A lock among this process's tasks and, where there are others, among processes."""

    __slots__ = ("__weakref__", "_key", "_lock", "_turns")

    def __init__(self, key: str, turns: Turns | None) -> None:
        self._key = key
        self._turns = turns
        self._lock = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait for it.

        Raises:
            StorageError: whether another process has it cannot be told now.
        """
        await self._lock.acquire()
        if self._turns is not None:
            try:
                await self._turns.take(self._key)
            except BaseException:
                self.release()  # the answer that nobody waits for any more may have been yes
                raise

    def release(self) -> None:
        """Let the next one have it; here only once others could, so that one is not given what the next one holds."""
        if self._turns is None:
            self._lock.release()
        else:
            self._turns.give(self._key, self._lock.release)

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Locks:
    """One lock a key."""

    def __init__(self, turns: Turns | None = None) -> None:
        self._turns = turns
        self._locks: WeakValueDictionary[str, KeyLock] = WeakValueDictionary()

    def of(self, key: str) -> KeyLock:
        """The lock of this key; it is the same one as long as anybody holds on to it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = KeyLock(key, self._turns)
        return lock


async def rung(event: asyncio.Event, seconds: float) -> bool:
    """Wait for a ring for at most so long; whether it came."""
    if seconds <= 0:
        return event.is_set()
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
