"""Counters of this host's days, on this host: closed once, shown to their owner, held against what ``permit`` says.

A day is closed an hour after its end, so that what is just being delivered then still counts on it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from sampler.agent.consents import ConsentStore
from sampler.agent.tallying import Published, tally
from sampler.errors import ConsentError
from sampler.journal import Journal
from sampler.limits import STATISTICS_ACCEPT_DAYS
from sampler.model.statistics import CountedDay, DayState, StatisticsRefusal, StatisticsRelease, Tally
from sampler.permit import Policy, release_statistics, shipped_names, shipped_statement
from sampler.runtime.clock import Clock
from sampler.spool import Spool
from sampler.wire.statistics_messages import LocalCount, LocalDay, StatisticsPreview, StatisticsReport

SETTLE: Final = timedelta(hours=1)
"""After a day's end, before it is closed."""
_SHOWN_DAYS_MAX_COUNT: Final = 31

_report_decoder: Final = msgspec.json.Decoder(StatisticsReport)


@dataclass(frozen=True, slots=True)
class Statistics:
    """This host's counters, and what of them leaves."""

    spool: Spool
    consents: ConsentStore
    policy: Policy
    journal: Journal
    published: Published
    clock: Clock

    def close_yesterday(self) -> bool:
        """Count what ended by the end of yesterday, once; whether there was anything to do. Blocking."""
        now = self.clock.now()
        day = (now - SETTLE).date() - timedelta(days=1)
        if self.spool.days.get(day) is not None:
            return False
        return self.spool.days.close(
            day, lambda records: CountedDay(str(uuid.uuid4()), tally(day, records, self.published))
        )

    def decide(self, counted: Tally) -> StatisticsRelease | StatisticsRefusal:
        """What of a day may leave at this moment. A damaged consent is none. Blocking."""
        try:
            statement, consent = self.consents.statement(), self.consents.load()
        except ConsentError:
            statement, consent = shipped_statement(shipped_names()[0]), None
        return release_statistics(counted, statement, consent, self.policy, self.clock.now())

    def unsent(self) -> tuple[CountedDay, ...]:
        """Closed days that the queue does not have yet, the oldest first. Blocking."""
        days = reversed(self.spool.days.latest(STATISTICS_ACCEPT_DAYS + 1))
        return tuple(day for day in days if day.state in (DayState.COUNTED, DayState.OFFERED))

    def preview(self) -> StatisticsPreview:
        """The present day so far and the days before, with what leaves of each and what does not. Blocking."""
        today = self.clock.now().date()
        present = self.spool.days.over_counted(None, lambda records: tally(today, records, self.published))
        days = [CountedDay("", present), *self.spool.days.latest(_SHOWN_DAYS_MAX_COUNT)]
        try:
            threshold = self.consents.statement().statistics_threshold
        except ConsentError:
            threshold = None
        return StatisticsPreview(days=tuple(map(self._local, days)), threshold=threshold)

    def _local(self, day: CountedDay) -> LocalDay:
        state = day.state.value if day.report_id else "counting"
        if day.report:
            return _as_sent(day, state)
        decided = self.decide(day.tally)
        stays = tuple(LocalCount(table=each.table, label=each.label, value=each.value) for each in day.tally.counts)
        if isinstance(decided, StatisticsRefusal):
            return LocalDay(day=day.tally.day, state=state, stays=stays, rule=decided.rule, detail=decided.detail)
        leaves = {count.table for count in decided.counts}
        return LocalDay(
            day=day.tally.day,
            state=state,
            counts=tuple(count for count in stays if count.table in leaves),
            stays=tuple(count for count in stays if count.table not in leaves),
            sketches=tuple(sorted(decided.sketches)),
        )


def _as_sent(day: CountedDay, state: str) -> LocalDay:
    report = _report_decoder.decode(day.report)
    sent = {(count.table, count.label) for count in report.counts}
    counts = [LocalCount(table=each.table, label=each.label, value=each.value) for each in day.tally.counts]
    return LocalDay(
        day=day.tally.day,
        state=state,
        counts=tuple(count for count in counts if (count.table, count.label) in sent),
        stays=tuple(count for count in counts if (count.table, count.label) not in sent),
        sketches=tuple(sorted({sketch.table for sketch in report.sketches})),
        detail=day.detail,
    )
