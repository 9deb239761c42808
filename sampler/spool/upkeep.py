"""What operators and the clock do to a spool: look at it, try again, end what waited too long or is not wanted."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sampler.model import ObjectState
from sampler.spool.ends import EndsLedger, Group
from sampler.spool.quota import Fill, Quota
from sampler.spool.room import Room

_ENDED_AT_ONCE: Final = 100
"""Each is written into the journal, and nobody else gets at the spool meanwhile."""
_UNTOLD_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a spool is."""

    fill: Fill
    quota: Quota
    groups: tuple[Group, ...]
    """What waits for delivery, the group with the most bytes first."""
    untold: int
    """Ends that the journal has not heard of yet."""


class Upkeep:
    """Safe for several threads, as the spool is."""

    def __init__(self, ledger: EndsLedger, room: Room, lock: threading.Lock) -> None:
        self._ledger = ledger
        self._room = room
        self._lock = lock

    def standing(self) -> Standing:
        """How it is."""
        with self._lock:
            untold = len(self._ledger.untold(_UNTOLD_COUNTED))
            return Standing(self._room.fill(), self._room.quota, self._ledger.groups(), untold)

    def live(self, seconds: int) -> None:
        """The spool was at work for so much longer; this is the time that ages are counted in.

        Raises:
            SpoolFull: it cannot be written down.
        """
        with self._lock:
            self._ledger.live(seconds)

    def expire(self, now: datetime, age: timedelta) -> int:
        """End what has waited for delivery for ``age`` in which the spool was at work; how many there were.

        Raises:
            SpoolFull, JournalError: it cannot be written down.
        """
        detail = f"it waited for delivery for {age / timedelta(days=1):g} days"
        expired = 0
        while True:
            with self._lock:
                late = self._ledger.overdue(int(age.total_seconds()), _ENDED_AT_ONCE)
                ended = self._room.end_all(late, ObjectState.EXPIRED, "age", detail, now)
                self._room.refill_ballast()
            expired += len(ended)
            if not ended:
                return expired

    def purge(self, event_ids: Collection[str], by: str, now: datetime) -> tuple[str, ...]:
        """End, for a person, those that wait for delivery; which they were. What is being delivered is left alone.

        Raises:
            SpoolFull, JournalError: it cannot be written down.
        """
        with self._lock:
            detail = f"{by} took it out of the spool"
            ended = self._room.end_all(event_ids, ObjectState.EVICTED, "person", detail, now)
            self._room.refill_ballast()
            return ended

    def retry(self, event_ids: Collection[str] | None, now: datetime) -> int:
        """Let these, or all, be tried at once; how many would have waited longer."""
        with self._lock:
            return self._ledger.make_due(event_ids, now)

    def tell(self) -> None:
        """Tell the journal of ends that it has not heard of.

        Raises:
            JournalError: it cannot be told now.
        """
        with self._lock:
            self._room.tell()
