"""Waking those who wait inside this process, and one writer at a time for each upload.

Both keep nothing about a key that nobody waits for, so hosts cannot make them grow.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Bells:
    """One bell a key; a ring wakes everybody who listens at that moment.

    Listen first, look second, wait third: then no ring is missed.
    """

    def __init__(self) -> None:
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.silenced = False
        """From now on nobody should wait: the process is about to end."""

    def listen(self, key: str) -> asyncio.Event:
        """An event that the next ring of this key sets."""
        event = self._events.get(key)
        if event is None:
            event = self._events[key] = asyncio.Event()
        return event

    def ring(self, key: str) -> None:
        """Wake everybody who listens to this key."""
        event = self._events.pop(key, None)
        if event is not None:
            event.set()

    def silence(self) -> None:
        """Wake everybody, for good."""
        self.silenced = True
        for key in list(self._events):
            self.ring(key)


class Locks:
    """One lock a key."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        """The lock of this key; it is the same one as long as anybody holds on to it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
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
