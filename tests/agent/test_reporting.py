"""A host's day leaves once, at a moment that tells nothing, as the journal has it, and only while its owner lets it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from sampler.agent.consents import ConsentStore
from sampler.agent.counting import Statistics
from sampler.agent.reporting import StatisticsReporter, due_at
from sampler.agent.tallying import Published
from sampler.cli.history_facts import gist_of
from sampler.errors import ConsentError, JournalError, QueueRefused, QueueUnreachable, StorageError
from sampler.journal import Journal, JournalEntry
from sampler.limits import (
    STATISTICS_CELLS_MAX_COUNT,
    STATISTICS_LABEL_MAX_CHARACTERS,
    STATISTICS_REPORT_MAX_BYTES,
    STATISTICS_SKETCHES_MAX_COUNT,
    STATISTICS_VALUE_MAX,
)
from sampler.model import ContentKind, ObjectRecord, ObjectState, Reason, Scope
from sampler.model.statistics import CountedDay, DayState, Table
from sampler.permit import Consent, Policy, Statement, shipped_statement
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Spool
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.upload import QueueLink
from sampler.wire.codec import encode
from sampler.wire.sketches import SKETCH_MAX_BYTES
from sampler.wire.statistics_messages import (
    CountMessage,
    SketchMessage,
    StatisticsAnswer,
    StatisticsKey,
    StatisticsReport,
)

DAY = date(2026, 11, 24)
PUBLISHED = Published(frozenset({"EICAR_Test_File"}), "sha256:0")


@dataclass
class HandClock:
    moment: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")


@dataclass
class Consents:
    """What the owner agreed to, in the test's hand."""

    given: Statement = field(default_factory=lambda: shipped_statement("basic"))
    consent: Consent | None = None
    damaged: bool = False

    def statement(self) -> Statement:
        if self.damaged:
            raise ConsentError("damaged")
        return self.given

    def load(self) -> Consent | None:
        if self.damaged:
            raise ConsentError("damaged")
        return self.consent


@dataclass
class Link:
    """A queue that keeps what it is sent; ``fault`` is raised instead."""

    reports: list[bytes] = field(default_factory=list)
    keys: list[date] = field(default_factory=list)
    fault: Exception | None = None
    on_key: Any = None

    async def statistics_key(self, day: date) -> StatisticsKey:
        self.keys.append(day)
        if self.on_key is not None:
            self.on_key()
        return StatisticsKey(day=day, key=b"k" * 32)

    async def report_statistics(self, report: bytes) -> StatisticsAnswer:
        self.reports.append(report)
        if self.fault is not None:
            raise self.fault
        return StatisticsAnswer(id=_decoded(report).id, added=True)


def _decoded(report: bytes) -> StatisticsReport:
    return msgspec.json.decode(report, type=StatisticsReport)


@dataclass
class Host:
    clock: HandClock
    consents: Consents
    link: Link
    spool: Spool
    journal: Journal
    statistics: Statistics
    reporter: StatisticsReporter

    def accept(self, *scopes: Scope, at: datetime = datetime(2026, 11, 1, tzinfo=UTC)) -> None:
        given = frozenset(scopes or (Scope.REPUTATION, Scope.STATISTICS))
        self.consents.consent = Consent(self.consents.given.ref, given, "root", at)

    def record(self, state: ObjectState = ObjectState.DELIVERED) -> None:
        now = self.clock.now()
        self.spool.record(
            ObjectRecord(
                str(uuid.uuid4()), state, now, now, 0, Reason.DETECTION, b"/home/alice/x", "ab" * 32, 5,
                matches=(("EICAR_Test_File", 1),), kind=ContentKind.SCRIPT, ruleset_version="sha256:0",
            )
        )  # fmt: skip

    def day(self) -> CountedDay:
        found = self.spool.days.get(DAY)
        assert found is not None
        return found

    def entries(self) -> list[JournalEntry]:
        return [entry for entry in self.journal.entries() if entry.kind == "statistics"]

    async def next_day(self, hours: float = 23.5) -> None:
        self.clock.moment = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(hours=hours)
        await self.reporter.report_once()


def _spool(folder: Path) -> Spool:
    keys = KeyRing(folder / "keys")
    return Spool(folder, SqliteSpoolLedger(folder / "ledger.sqlite"), keys, max_bytes=1 << 20, reserve_bytes=0)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host on which two objects were flagged on ``DAY``, and whose owner accepted statistics before."""
    for name in ("spool", "journal"):
        (tmp_path / name).mkdir()
    clock, consents, link = HandClock(), Consents(), Link()
    spool, journal = _spool(tmp_path / "spool"), Journal(tmp_path / "journal")
    statistics = Statistics(spool, cast(ConsentStore, consents), Policy(), journal, PUBLISHED, clock)
    made = Host(
        clock, consents, link, spool, journal, statistics, StatisticsReporter(statistics, cast(QueueLink, link), clock)
    )
    made.accept()
    made.record()
    made.record(ObjectState.REFUSED)
    yield made
    spool.close()
    journal.close()


async def test_a_day_is_reported_once(host: Host) -> None:
    """It is counted, journaled and sent the day after, and never again."""
    await host.next_day()
    (report,) = map(_decoded, host.link.reports)
    counts = {(count.table, count.label): count.value for count in report.counts}
    assert (report.day, report.threshold, report.id) == (DAY, 20, host.day().report_id)
    assert counts[Table.OBJECTS, "all"] == 2
    assert counts[Table.BY_STATE, "refused"] == 1
    assert {sketch.table for sketch in report.sketches} == {Table.DISTINCT, Table.DISTINCT_BY_RULE}
    assert host.day().state is DayState.SENT
    await host.reporter.report_once()
    assert len(host.link.reports) == 1


async def test_the_journal_has_what_is_sent(host: Host) -> None:
    """The whole report, the statement and the line that allowed each table, before the report leaves."""
    host.link.fault = QueueUnreachable("away")
    await host.next_day()
    (entry,) = host.entries()
    assert msgspec.convert(entry.document["report"], StatisticsReport) == _decoded(host.link.reports[0])
    assert entry.document["statement"]["digest"] == host.consents.given.digest
    assert entry.document["scopes"] == ["statistics"]
    assert gist_of(entry) == f"9 counters and 2 sketches of 2026-11-24; under {host.consents.given}"
    assert entry.document["reasons"][Table.OBJECTS] == "sampler.statistics.objects = keep"
    assert "alice" not in str(entry.document)


async def test_what_cannot_be_journaled_does_not_leave(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that fails keeps the day here, and the next round sends it."""

    def fails(*_: object) -> None:
        raise JournalError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(host.journal, "append", fails)
        await host.next_day()
    assert host.link.reports == []
    await host.reporter.report_once()
    assert len(host.link.reports) == 1


async def test_a_lost_answer_sends_the_same_bytes_again(host: Host) -> None:
    """Whatever is flagged or changed meanwhile; the journal has one entry for it."""
    host.link.fault = QueueUnreachable("away")
    await host.next_day()
    host.record()
    host.link.fault = None
    await host.reporter.report_once()
    assert len(set(host.link.reports)) == 1
    assert len(host.link.reports) == 2
    assert (len(host.entries()), len(host.link.keys), host.day().state) == (1, 1, DayState.SENT)


async def test_a_crash_at_any_step_counts_nothing_twice(host: Host, tmp_path: Path) -> None:
    """A new process over the same files goes on with the same report."""
    host.link.fault = QueueUnreachable("away")
    await host.next_day()
    host.spool.close()
    host.spool = _spool(tmp_path / "spool")
    again = Statistics(host.spool, cast(ConsentStore, host.consents), Policy(), host.journal, PUBLISHED, host.clock)
    host.link.fault = None
    await StatisticsReporter(again, cast(QueueLink, host.link), host.clock).report_once()
    assert len(set(host.link.reports)) == 1
    assert host.day().state is DayState.SENT


async def test_withdrawn_before_it_is_sent(host: Host) -> None:
    """Nothing leaves, not even the question for the key; the day stays and says why."""
    assert host.consents.consent is not None
    host.consents.consent = host.consents.consent.without(None, "root", host.clock.now())
    await host.next_day()
    assert (host.link.reports, host.link.keys, host.entries()) == ([], [], [])
    assert (host.day().state, host.day().detail[:14]) == (DayState.REFUSED, "P1 no-consent:")


async def test_withdrawn_while_it_is_on_its_way(host: Host) -> None:
    """A report that could not be delivered does not leave again after a withdrawal."""
    host.link.fault = QueueUnreachable("away")
    await host.next_day()
    host.accept(Scope.REPUTATION)
    host.link.fault = None
    await host.reporter.report_once()
    assert len(host.link.reports) == 1
    assert host.day().state is DayState.REFUSED


async def test_withdrawn_while_the_key_is_on_its_way(host: Host) -> None:
    """The consent is looked at again right before the report leaves."""
    host.link.on_key = lambda: host.accept(Scope.REPUTATION)
    await host.next_day()
    assert host.link.reports == []
    await host.reporter.report_once()
    assert host.day().state is DayState.REFUSED


async def test_what_was_flagged_without_a_consent_is_never_told(host: Host) -> None:
    """Not even when the agent was off on the days between, so that it is all counted on a day under the consent."""
    host.accept(at=datetime(2026, 11, 25, 12, tzinfo=UTC))
    host.clock.moment = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    await host.reporter.report_once()
    (day,) = host.spool.days.latest(9)
    assert (day.tally.day.day, day.state, day.detail[:2]) == (26, DayState.REFUSED, "S6")
    assert host.link.reports == []
    host.record()
    host.clock.moment += timedelta(days=1)
    await host.reporter.report_once()
    assert [_decoded(report).counts[0].value for report in host.link.reports] == [1]


async def test_a_damaged_consent_is_none(host: Host) -> None:
    """As for objects."""
    host.consents.damaged = True
    await host.next_day()
    assert host.link.reports == []
    assert host.statistics.preview().threshold is None


async def test_a_quiet_day_is_reported_like_any_other(host: Host) -> None:
    """So that whether something happened is not told by whether something is sent."""
    await host.next_day()
    host.clock.moment += timedelta(days=1)
    await host.reporter.report_once()
    quiet = _decoded(host.link.reports[1])
    assert (quiet.day, quiet.counts, quiet.sketches) == (DAY + timedelta(days=1), (), ())


async def test_not_before_its_moment(host: Host) -> None:
    """A day waits for the moment that its random id decides, between one and 23 hours after its end."""
    await host.next_day(hours=1.1)
    day = host.day()
    due = due_at(DAY, day.report_id)
    end = datetime(2026, 11, 25, tzinfo=UTC)
    assert end + timedelta(hours=1) <= due <= end + timedelta(hours=23)
    host.clock.moment = due - timedelta(seconds=1)
    await host.reporter.report_once()
    assert host.link.reports == []
    host.clock.moment = due
    await host.reporter.report_once()
    assert len(host.link.reports) == 1


def test_the_largest_report_fits() -> None:
    """As many counters with as long labels and as many full sketches as there can be are below the ceiling."""
    label, registers = "r" * STATISTICS_LABEL_MAX_CHARACTERS, bytes([53]) * SKETCH_MAX_BYTES
    count = CountMessage(table=Table.BY_RULESET, label=label, value=STATISTICS_VALUE_MAX)
    sketch = SketchMessage(table=Table.DISTINCT_BY_RULE, label=label, registers=registers)
    largest = StatisticsReport(
        id=str(uuid.uuid4()),
        day=DAY,
        threshold=5,
        counts=(count,) * STATISTICS_CELLS_MAX_COUNT,
        sketches=(sketch,) * STATISTICS_SKETCHES_MAX_COUNT,
    )
    assert len(encode(largest)) <= STATISTICS_REPORT_MAX_BYTES


def test_moments_are_spread() -> None:
    """Ids that differ only in chance have moments all over the day."""
    hours = {due_at(DAY, str(uuid.UUID(int=n * 2**22))).hour for n in range(1024)}
    assert len(hours) >= 22


async def test_what_is_just_being_delivered_still_counts(host: Host) -> None:
    """Within the hour after its end the day is not closed."""
    await host.next_day(hours=0.9)
    assert host.spool.days.get(DAY) is None
    await host.next_day(hours=1.0)
    assert host.spool.days.get(DAY) is not None


async def test_a_queue_that_has_closed_the_day(host: Host) -> None:
    """409 ends the day here; any other refusal is tried again."""
    host.link.fault = QueueRefused("no", 422)
    await host.next_day()
    assert host.day().state is DayState.OFFERED
    host.link.fault = QueueRefused("closed", 409)
    await host.reporter.report_once()
    assert (host.day().state, host.day().detail) == (DayState.REFUSED, "closed")


async def test_one_day_that_fails_does_not_keep_the_others(host: Host) -> None:
    """Each is tried by itself."""
    host.link.fault = QueueUnreachable("away")
    await host.next_day()
    host.clock.moment += timedelta(days=1)
    await host.reporter.report_once()
    assert [_decoded(report).day.day for report in host.link.reports] == [24, 24, 25]


async def test_a_ledger_that_fails_is_asked_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be counted now is counted another time, and takes nothing down."""

    def fails(*_: object) -> None:
        raise StorageError("the ledger failed")

    with monkeypatch.context() as patched:
        patched.setattr(host.spool.days, "close", fails)
        await host.next_day()
    assert host.link.reports == []
    await host.reporter.report_once()
    assert len(host.link.reports) == 1


async def test_it_goes_on_until_it_is_cancelled(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round, a rest, and another round."""
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        host.clock.moment += timedelta(days=1)
        if len(rests) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(host.clock, "sleep", sleep)
    host.clock.moment = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    with pytest.raises(asyncio.CancelledError):
        await host.reporter.run()
    assert [_decoded(report).day.day for report in host.link.reports] == [24, 25, 26]


async def test_a_host_that_was_off_for_long(host: Host) -> None:
    """The day before is reported; what was open in between counts on it, and older days stay here."""
    await host.next_day(hours=1.0)
    host.record()
    host.clock.moment = datetime(2026, 12, 20, 23, 30, tzinfo=UTC)
    await host.reporter.report_once()
    (report,) = map(_decoded, host.link.reports)
    assert (report.day, report.counts[0].value) == (date(2026, 12, 19), 1)


def test_the_preview_says_what_would_leave_and_what_stays(host: Host) -> None:
    """The present day with the rule that keeps it, in counters that have no names."""
    (today,) = host.statistics.preview().days
    assert (today.day, today.state, today.rule, today.counts) == (DAY, "counting", "S5 day-not-over", ())
    assert [count.value for count in today.stays if count.table is Table.OBJECTS] == [2]
    host.consents.consent = None
    (today,) = host.statistics.preview().days
    assert today.rule == "P1 no-consent"


async def test_the_preview_shows_what_left_as_it_left(host: Host) -> None:
    """For a day that was sent, what is shown is read from the report's own bytes."""
    await host.next_day()
    host.accept(Scope.REPUTATION)
    _, sent = host.statistics.preview().days
    assert (sent.day, sent.state, sent.rule) == (DAY, "sent", "")
    assert {count.table for count in sent.counts} == {count.table for count in _decoded(host.link.reports[0]).counts}
    assert sent.sketches == (Table.DISTINCT, Table.DISTINCT_BY_RULE)


async def test_the_preview_is_what_leaves(host: Host) -> None:
    """A closed day that waits for its moment is shown exactly as it is sent then."""
    await host.next_day(hours=1.0)
    shown = next(day for day in host.statistics.preview().days if day.day == DAY)
    await host.next_day()
    report = _decoded(host.link.reports[0])
    assert [(each.table, each.label, each.value) for each in shown.counts] == [
        (each.table, each.label, each.value) for each in report.counts
    ]
    assert set(shown.sketches) == {sketch.table for sketch in report.sketches}
