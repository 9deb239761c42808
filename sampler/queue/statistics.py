"""The part of the queue that sums what hosts report of their days, and shows it once a day is closed.

It never keeps who reported: a digest of the device and one of the report, under a salt of the day, tell a repetition,
and both go with the salt when the day closes.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import date, datetime

import structlog

from sampler.errors import Conflict, RequestError
from sampler.limits import (
    STATISTICS_ACCEPT_DAYS,
    STATISTICS_DAY_CELLS_MAX_COUNT,
    STATISTICS_PAGE_MAX_DAYS,
    STATISTICS_THRESHOLD,
)
from sampler.model.statistics import check_label
from sampler.queue.core import Core
from sampler.queue.ports import Ledger
from sampler.queue.statistics_cells import Cell, OpenDay, estimated, merged, shown
from sampler.runtime.blocking import off_loop
from sampler.wire.sketches import KEY_BYTES, decode_sketch
from sampler.wire.statistics_messages import (
    SketchMessage,
    StatisticsAnswer,
    StatisticsDay,
    StatisticsKey,
    StatisticsPage,
    StatisticsReport,
)

log = structlog.get_logger()


class Statistics(Core):
    """Statistics without identifiers."""

    async def statistics_key(self, day: date) -> StatisticsKey:
        """What hosts hash distinct objects of a day with.

        Raises:
            Conflict: the day is not over, or is closed.
        """
        opened = await self._step(_opened, day, self._clock.now())
        return StatisticsKey(day=day, key=opened.key)

    async def add_report(self, device: str, report: StatisticsReport) -> StatisticsAnswer:
        """Add a host's day to the sums; a second one of the same device, or with the same id, changes nothing.

        Raises:
            Conflict: the day is not over, or is closed.
            RequestError: a label or a sketch is none, or is there twice.
        """
        cells = await off_loop(cells_of, report)
        added = await self._step(_add, device, report, cells, self._clock.now())
        return StatisticsAnswer(id=report.id, added=added)

    async def statistics(self, since: date, until: date, limit: int = STATISTICS_PAGE_MAX_DAYS) -> StatisticsPage:
        """What is shown of closed days, from one to another, both included, the oldest first."""
        days = await self._step(lambda ledger: ledger.statistics(since, until, limit))
        return StatisticsPage(days=days)

    async def close_statistics(self) -> int:
        """Close the days that take no more reports; how many there were. Key, salt, digests and sums are gone then."""
        days = await self._step(_close, self._clock.now(), self._chance)
        if days:
            await self._step(lambda ledger: ledger.forget_deleted())
        for day in days:
            log.info("a day of statistics is closed", day=str(day))
        return len(days)


def cells_of(report: StatisticsReport) -> dict[tuple[str, str], Cell]:
    """A report's cells by table and label.

    Raises:
        RequestError: a label or a sketch is none, or is there twice.
    """
    found: dict[tuple[str, str], Cell] = {}
    for cell in _each(report):
        key = (cell.table.value, cell.label)
        if key in found:
            raise RequestError(f"statistics: {cell.table} has {cell.label} twice")
        found[key] = cell
    return found


def _each(report: StatisticsReport) -> Iterator[Cell]:
    threshold = max(report.threshold, STATISTICS_THRESHOLD)
    try:
        for count in report.counts:
            check_label(count.table, count.label)
            if count.table.is_distinct:
                raise ValueError(f"{count.table} is filled by sketches")
            yield Cell(count.table, count.label, 1, count.value, count.value, threshold)
        for sketch in report.sketches:
            yield _of_sketch(sketch, threshold)
    except ValueError as error:
        raise RequestError(f"statistics: {error}") from error


def _of_sketch(message: SketchMessage, threshold: int) -> Cell:
    check_label(message.table, message.label)
    if not message.table.is_distinct:
        raise ValueError(f"{message.table} is filled by counters")
    estimate = estimated(decode_sketch(message.registers))
    return Cell(message.table, message.label, 1, estimate, estimate, threshold, message.registers)


def _add(
    ledger: Ledger, device: str, report: StatisticsReport, cells: dict[tuple[str, str], Cell], now: datetime
) -> bool:
    opened = _opened(ledger, report.day, now)
    digests = [_digest(opened, "device", device), _digest(opened, "report", report.id)]
    with ledger.transaction():
        if any(ledger.statistics_seen(report.day, digest) for digest in digests):
            return False
        ledger.add_statistics_seen(report.day, digests)
        room = STATISTICS_DAY_CELLS_MAX_COUNT - ledger.statistics_cell_count(report.day)
        for cell in cells.values():
            known = ledger.statistics_cell(report.day, cell.table, cell.label)
            if known is not None or room > 0:
                ledger.put_statistics_cell(report.day, merged(known, cell))
            room -= known is None
    return True


def _opened(ledger: Ledger, day: date, now: datetime) -> OpenDay:
    """The day, opened by whoever asks first."""
    age = _age_days(day, now)
    if age < 1:
        raise Conflict(f"statistics: {day} is not over; report it once it is")
    if age > STATISTICS_ACCEPT_DAYS or ledger.statistics(day, day, 1):
        raise Conflict(f"statistics: {day} is closed; a day is reported within {STATISTICS_ACCEPT_DAYS} days")
    with ledger.transaction():
        known = ledger.open_statistics_day(day)
        if known is None:
            known = OpenDay(day, secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))
            ledger.add_statistics_day(known)
    return known


def _close(ledger: Ledger, now: datetime, chance: Callable[[], float]) -> list[date]:
    closed = []
    for opened in ledger.open_statistics_days():
        if _age_days(opened.day, now) > STATISTICS_ACCEPT_DAYS:
            with ledger.transaction():
                cells = shown(ledger.statistics_cells(opened.day), chance)
                ledger.close_statistics_day(StatisticsDay(day=opened.day, cells=cells))
            closed.append(opened.day)
    return closed


def _age_days(day: date, now: datetime) -> int:
    return (now.date() - day).days


def _digest(opened: OpenDay, what: str, value: str) -> bytes:
    return hmac.digest(opened.salt, f"{what} {value}".encode(), "sha256")
