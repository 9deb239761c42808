"""Reporting this host's days to the queue: once each, and only what ``permit`` lets through.

A day is sent at a moment that its random report id decides, somewhere in the day after, so that the time tells nothing;
a day on which nothing happened is sent like any other. The report is durable and in the journal before it leaves, and
leaves again with the same bytes until the queue has it; the queue adds a device's day once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import structlog

from sampler.agent.counting import SETTLE, Statistics
from sampler.agent.tallying import Sketches, sketcher
from sampler.errors import QueueRefused, SamplerError
from sampler.model import Scope
from sampler.model.statistics import CountedDay, DayState, StatisticsRefusal, StatisticsRelease, end_of
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload import QueueLink
from sampler.wire.codec import encode
from sampler.wire.statistics_messages import CountMessage, SketchMessage, StatisticsReport

log = structlog.get_logger()

_LOOK_SECONDS: Final = 600.0
_SPREAD: Final = timedelta(hours=22)
_CLOSED: Final = 409
"""The queue takes this day no more."""


@dataclass(slots=True)
class StatisticsReporter:
    """Reports this host's days to the queue."""

    statistics: Statistics
    link: QueueLink
    clock: Clock

    async def run(self) -> None:
        """Count and report until cancelled."""
        while True:
            await self.report_once()
            await self.clock.sleep(_LOOK_SECONDS)

    async def report_once(self) -> None:
        """Close yesterday, and report the days whose time has come; what fails is tried again another time."""
        try:
            await off_loop(self.statistics.close_yesterday)
            waiting = await off_loop(self.statistics.unsent)
        except SamplerError as error:
            log.warning("statistics cannot be counted", reason=str(error))
            return
        for day in waiting:
            if due_at(day.tally.day, day.report_id) <= self.clock.now():
                await self._try(day)

    async def _try(self, day: CountedDay) -> None:
        try:
            await self._report(day)
        except SamplerError as error:
            log.info("a day of statistics is postponed", day=str(day.tally.day), reason=str(error))

    async def _report(self, day: CountedDay) -> None:
        """In this order, at each attempt: permitted; in the journal; durable; permitted still; then it leaves."""
        decided = await off_loop(self.statistics.decide, day.tally)
        if isinstance(decided, StatisticsRefusal):
            await self._put(replace(day, state=DayState.REFUSED, detail=f"{decided.rule}: {decided.detail}"))
            return
        if day.state is not DayState.OFFERED:
            day = await self._offered(day, decided)
            if isinstance(await off_loop(self.statistics.decide, day.tally), StatisticsRefusal):
                return  # withdrawn while the key was on its way; the next round writes it down
        try:
            await self.link.report_statistics(day.report)
        except QueueRefused as error:
            if error.status != _CLOSED:
                raise
            await self._put(replace(day, state=DayState.REFUSED, detail=str(error)))
            return
        await self._put(replace(day, state=DayState.SENT))

    async def _offered(self, day: CountedDay, decided: StatisticsRelease) -> CountedDay:
        sketches: Sketches = {}
        if decided.sketches:
            key = await self.link.statistics_key(decided.day)
            sketch = sketcher(key.key, decided.sketches, self.statistics.published)
            sketches = await off_loop(self.statistics.spool.days.over_counted, decided.day, sketch)
        report = report_of(day.report_id, decided, sketches)
        offered = replace(day, state=DayState.OFFERED, report=encode(report))
        document = journal_document(report, decided)
        await off_loop(self.statistics.journal.append, "statistics", "", self.clock.now(), document)
        await self._put(offered)
        return offered

    async def _put(self, day: CountedDay) -> None:
        await off_loop(self.statistics.spool.days.put, day)
        if day.state in (DayState.SENT, DayState.REFUSED):
            log.info("a day of statistics ended", day=str(day.tally.day), state=day.state.value, detail=day.detail)


def due_at(day: date, report_id: str) -> datetime:
    """When a day is reported: its report id, which is random, says how far into the day after."""
    share = (uuid.UUID(report_id).int & 0xFFFFFFFF) / 2**32
    return end_of(day) + SETTLE + share * _SPREAD


def report_of(report_id: str, decided: StatisticsRelease, sketches: Sketches) -> StatisticsReport:
    """What is sent of a day. ``STATISTICS_REPORT_MAX_BYTES`` has room for the largest one."""
    return StatisticsReport(
        id=report_id,
        day=decided.day,
        threshold=decided.threshold,
        counts=tuple(CountMessage(table=each.table, label=each.label, value=each.value) for each in decided.counts),
        sketches=tuple(
            SketchMessage(table=table, label=label, registers=sketch.encode())
            for (table, label), sketch in sketches.items()
        ),
    )


def journal_document(report: StatisticsReport, decided: StatisticsRelease) -> Mapping[str, object]:
    """What the owner reads of it: the whole report, the statement, and the line that allowed each table."""
    return {
        "scopes": [Scope.STATISTICS.value],
        "report": msgspec.to_builtins(report),
        "statement": msgspec.to_builtins(decided.statement),
        "reasons": dict(decided.reasons),
        "left_out": list(decided.left_out),
    }
