"""The days of a host in memory: what the conformance suite holds the durable ones against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import TypeVar

from sampler.limits import STATISTICS_KEPT_DAYS
from sampler.model import ObjectRecord
from sampler.model.statistics import CountedDay, end_of

T = TypeVar("T")


class MemoryDays:
    """``spool.DaysLedger`` over the records of a ledger in memory."""

    def __init__(self, records: Callable[[], Iterable[ObjectRecord]]) -> None:
        """``records`` gives all of the ledger's, in the order of their adding."""
        self._records = records
        self._counted: dict[str, date] = {}
        self._days: dict[date, CountedDay] = {}

    def close_day(self, day: date, sum_up: Callable[[Iterable[ObjectRecord]], CountedDay]) -> bool:
        """Marks after summing, so that what is raised there changes nothing."""
        if day in self._days:
            return False
        taken = [record for record in self._not_counted() if record.created < end_of(day)]
        self._days[day] = sum_up(taken)
        self._counted.update((record.event_id, day) for record in taken)
        for old in [each for each in self._days if each < day - timedelta(days=STATISTICS_KEPT_DAYS)]:
            del self._days[old]
        return True

    def day(self, day: date) -> CountedDay | None:
        """A closed day."""
        return self._days.get(day)

    def days(self, limit: int) -> tuple[CountedDay, ...]:
        """Closed days, the newest first."""
        return tuple(self._days[day] for day in sorted(self._days, reverse=True)[:limit])

    def put_day(self, day: CountedDay) -> None:
        """Replace a closed day."""
        if day.tally.day in self._days:
            self._days[day.tally.day] = day

    def over_counted(self, day: date | None, look: Callable[[Iterable[ObjectRecord]], T]) -> T:
        """Looked for anew each time."""
        counted = (record for record in self._records() if self._counted.get(record.event_id) == day)
        return look(self._not_counted() if day is None else counted)

    def _not_counted(self) -> Iterator[ObjectRecord]:
        return (record for record in self._records() if record.state.is_final and record.event_id not in self._counted)
