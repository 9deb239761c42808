"""The queue sums days, tells repetitions without keeping names, and shows a day once, when it is closed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from sampler.errors import Conflict, RequestError
from sampler.limits import STATISTICS_ACCEPT_DAYS, STATISTICS_DAY_CELLS_MAX_COUNT
from sampler.model.statistics import ALL, Table
from sampler.queue import Cell, Queue
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.sketches import Sketch
from sampler.wire.statistics_messages import CountMessage, SketchMessage, StatisticsPage, StatisticsReport

DAY = date(2026, 1, 1)
"""The day before the clock of these tests begins."""
DAY_SECONDS = 86400.0


def report(*counts: tuple[Table, str, int], day: date = DAY, threshold: int = 5, **more: Any) -> StatisticsReport:
    messages = tuple(CountMessage(table=table, label=label, value=value) for table, label, value in counts)
    values = {"id": str(uuid.uuid4()), "day": day, "threshold": threshold, "counts": messages, **more}
    return StatisticsReport(**values)


def objects(value: int = 3, **more: Any) -> StatisticsReport:
    return report((Table.OBJECTS, ALL, value), **more)


async def shown(queue: Queue) -> StatisticsPage:
    return await queue.statistics(date.min, date.max)


async def close(queue: Queue, clock: Any) -> None:
    clock.advance((STATISTICS_ACCEPT_DAYS + 1) * DAY_SECONDS)
    await queue.sweep()


@pytest.mark.parametrize(("hosts", "values"), [(4, []), (5, [15]), (6, [15])])
async def test_the_threshold(queue: Queue, clock: Any, hosts: int, values: list[int]) -> None:
    """Four hosts under a threshold of five show nothing, five do, and six cannot be told from five."""
    for number in range(hosts):
        assert (await queue.add_report(f"device-{number}", objects())).added
    assert (await shown(queue)).days == ()
    await close(queue, clock)
    (day,) = (await shown(queue)).days
    assert (day.day, [cell.value for cell in day.cells]) == (DAY, values)


async def test_a_day_is_added_once(queue: Queue, clock: Any) -> None:
    """The same report, another one of the same device, and the same report of a device that enrolled anew change
    nothing."""
    first = objects(7)
    assert (await queue.add_report("device-0", first)).added
    assert not (await queue.add_report("device-0", first)).added
    assert not (await queue.add_report("device-0", objects(100))).added
    assert not (await queue.add_report("enrolled-anew", first)).added
    for number in range(1, 5):
        await queue.add_report(f"device-{number}", objects(7))
    await close(queue, clock)
    assert [cell.value for cell in (await shown(queue)).days[0].cells] == [35]


async def test_a_closed_day_never_changes(queue: Queue, clock: Any) -> None:
    """Nothing is shown while reports come in, and nothing comes in once it is shown: no two answers can be
    subtracted."""
    for number in range(5):
        await queue.add_report(f"device-{number}", objects())
        assert (await shown(queue)).days == ()
    await close(queue, clock)
    before = await shown(queue)
    with pytest.raises(Conflict, match="closed"):
        await queue.add_report("late", objects())
    with pytest.raises(Conflict, match="closed"):
        await queue.statistics_key(DAY)
    await queue.sweep()
    assert await shown(queue) == before


async def test_days_that_are_not_over(queue: Queue) -> None:
    """A day of the host's own making, today or in the year 9999, is refused."""
    for day in (DAY + timedelta(days=1), date.max, date.min):
        with pytest.raises(Conflict):
            await queue.add_report("device", objects(day=day))


async def test_who_reported_is_kept_nowhere(queue: Queue, clock: Any, ledger: MemoryQueueLedger) -> None:
    """Neither the device nor the report's id is in the ledger, and what told them apart goes with the day."""
    sent = objects()
    await queue.add_report("a-device-of-somebody", sent)
    tables = repr(ledger._now.statistics)
    assert "somebody" not in tables
    assert sent.id not in tables
    assert len(ledger._now.statistics.seen) == 2
    await close(queue, clock)
    sums = ledger._now.statistics
    assert (sums.opened, sums.seen, sums.cells) == ({}, set(), {})


async def test_a_key_for_each_day(queue: Queue, clock: Any) -> None:
    """All hosts get the same key for a day, and another one for the next."""
    clock.advance(DAY_SECONDS)
    first = await queue.statistics_key(DAY)
    assert await queue.statistics_key(DAY) == first
    assert (await queue.statistics_key(DAY + timedelta(days=1))).key != first.key


async def test_distinct_objects(queue: Queue, clock: Any) -> None:
    """What five hosts all have counts once; the estimate is of the union."""
    key = (await queue.statistics_key(DAY)).key
    for host in range(5):
        sketch = Sketch()
        for item in [*range(20), *range(100 + 10 * host, 110 + 10 * host)]:
            sketch.add(key, item.to_bytes(2, "big"))
        message = SketchMessage(table=Table.DISTINCT, label=ALL, registers=sketch.encode())
        await queue.add_report(f"device-{host}", report(sketches=(message,)))
    await close(queue, clock)
    (cell,) = (await shown(queue)).days[0].cells
    assert cell.table is Table.DISTINCT
    assert abs(cell.value - 70) <= 5


@pytest.mark.parametrize(
    "bad",
    [
        lambda: report((Table.BY_KIND, "my_host", 1)),
        lambda: report((Table.OBJECTS, "local", 1)),
        lambda: report((Table.BY_SIZE, "4097", 1)),
        lambda: report((Table.DISTINCT, ALL, 1)),
        lambda: report((Table.OBJECTS, ALL, 1), (Table.OBJECTS, ALL, 1)),
        lambda: report(sketches=(SketchMessage(table=Table.OBJECTS, label=ALL, registers=b"\0\1\1"),)),
        lambda: report(sketches=(SketchMessage(table=Table.DISTINCT, label=ALL, registers=b"\xff\xff\xff"),)),
    ],
    ids=["kind", "label", "size", "distinct", "twice", "sketch", "registers"],
)
async def test_what_is_no_counter_is_refused(queue: Queue, bad: Callable[[], StatisticsReport]) -> None:
    """Labels are of their table's own set, so that a host cannot smuggle a name in; nothing of the report is added."""
    with pytest.raises(RequestError, match="statistics"):
        await queue.add_report("device", bad())
    assert (await queue.add_report("device", objects())).added


async def test_a_host_that_invents_rules_ends_at_the_ceiling(queue: Queue, ledger: MemoryQueueLedger) -> None:
    """When a day has as many cells as it may, known ones still grow and further ones are left out."""
    await queue.statistics_key(DAY)
    full = {(DAY, Table.BY_RULE, f"r{n}"): Cell(Table.BY_RULE, f"r{n}", 1, 1, 1, 5) for n in range(65_535)}
    assert len(full) == STATISTICS_DAY_CELLS_MAX_COUNT - 1
    ledger._now.statistics.cells.update(full)
    await queue.add_report("device", report(*((Table.BY_RULE, name, 1) for name in ("r0", "new", "newer"))))
    cells = ledger._now.statistics.cells
    assert len(cells) == STATISTICS_DAY_CELLS_MAX_COUNT
    assert cells[DAY, Table.BY_RULE, "r0"].hosts == 2
    assert (DAY, Table.BY_RULE, "newer") not in cells


async def test_a_smaller_threshold_than_ours_is_ours(queue: Queue, clock: Any) -> None:
    """A report that says two does not make two hosts enough."""
    for number in range(2):
        await queue.add_report(f"device-{number}", objects(threshold=2))
    await close(queue, clock)
    assert (await shown(queue)).days[0].cells == ()


async def test_pages(queue: Queue, clock: Any) -> None:
    """Days from one to another, the oldest first; as JSON a day is nothing but its numbers."""
    for _ in range(3):
        day = clock.now().date() - timedelta(days=1)
        for number in range(5):
            await queue.add_report(f"device-{number}", objects(day=day))
        clock.advance(DAY_SECONDS)
    await close(queue, clock)
    page = await queue.statistics(DAY + timedelta(days=1), date.max, 1)
    assert [each.day for each in page.days] == [DAY + timedelta(days=1)]
    assert len((await shown(queue)).days) == 3
    (first, *_) = json.loads(encode(await shown(queue)))["days"]
    assert set(first) == {"day", "cells"}
    assert set(first["cells"][0]) == {"table", "label", "value", "threshold"}
