"""The days of a host: which objects were counted on which, and what became of each day's counters.

An object is counted on the first day whose closing finds it flagged before that day's end, and ended. Closing a day
marks its objects, sums them and keeps the sums in one transaction: an object is in exactly one day, whatever crashes,
and a day that is closed never changes its sums.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import date
from typing import Protocol, TypeVar

from sampler.model import ObjectRecord
from sampler.model.statistics import CountedDay

T = TypeVar("T")


class DaysLedger(Protocol):
    """The part of a spool's ledger that knows of days; each method that changes something is one transaction."""

    def close_day(self, day: date, sum_up: Callable[[Iterable[ObjectRecord]], CountedDay]) -> bool:
        """Count what has ended, was flagged before the day's end, and is not counted; ``False`` when it is closed.

        ``sum_up`` is given those objects, once each. Days that are ``STATISTICS_KEPT_DAYS`` older are forgotten.
        """

    def day(self, day: date) -> CountedDay | None:
        """A closed day."""

    def days(self, limit: int) -> tuple[CountedDay, ...]:
        """Closed days, the newest first."""

    def put_day(self, day: CountedDay) -> None:
        """Replace a closed day by its next state; nothing for one that is not there."""

    def over_counted(self, day: date | None, look: Callable[[Iterable[ObjectRecord]], T]) -> T:
        """What ``look`` makes of the objects counted on a day; ``None``: of those that ended and are not counted."""


class Days:
    """The same, safe for several threads."""

    def __init__(self, ledger: DaysLedger, lock: threading.Lock) -> None:
        self._ledger = ledger
        self._lock = lock

    def close(self, day: date, sum_up: Callable[[Iterable[ObjectRecord]], CountedDay]) -> bool:
        """As ``DaysLedger.close_day``."""
        with self._lock:
            return self._ledger.close_day(day, sum_up)

    def get(self, day: date) -> CountedDay | None:
        """A closed day."""
        with self._lock:
            return self._ledger.day(day)

    def latest(self, limit: int) -> tuple[CountedDay, ...]:
        """Closed days, the newest first."""
        with self._lock:
            return self._ledger.days(limit)

    def put(self, day: CountedDay) -> None:
        """Replace a closed day by its next state."""
        with self._lock:
            self._ledger.put_day(day)

    def over_counted(self, day: date | None, look: Callable[[Iterable[ObjectRecord]], T]) -> T:
        """As ``DaysLedger.over_counted``."""
        with self._lock:
            return self._ledger.over_counted(day, look)
