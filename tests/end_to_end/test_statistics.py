"""Six hosts with certificates of their own report their days to a real queue: four are not enough, five are."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest

from sampler.agent.consents import ConsentStore
from sampler.agent.counting import Statistics
from sampler.agent.reporting import StatisticsReporter
from sampler.agent.tallying import Published
from sampler.cli.demo_lab import Lab
from sampler.errors import QueueRefused
from sampler.identity import host_client_context, make_host_key
from sampler.intake import AgentClient
from sampler.journal import Journal
from sampler.limits import STATISTICS_ACCEPT_DAYS
from sampler.model import ContentKind, ObjectRecord, ObjectState, Reason, Scope
from sampler.model.statistics import Table
from sampler.permit import Consent, Policy, Statement, parse_statement, shipped_statement
from sampler.runtime.key_ring import KeyRing
from sampler.runtime.settings import load_settings
from sampler.server import Listening, QueueSettings, create_token, initialize, serve
from sampler.spool import Spool
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.upload import QueueLink, enroll, fetch_ca
from sampler.wire.agent_messages import FlagRequest, ObjectView
from sampler.wire.routes import Role
from sampler.wire.statistics_messages import StatisticsPage, StatisticsReport
from sampler.worker import PeopleClient

WAIT_SECONDS = 30.0
PUBLISHED = Published(frozenset({"EICAR_Test_File"}), "sha256:0")
BASIC = shipped_statement("basic")


@dataclass
class MovedClock:
    """The real time, moved by a test: certificates are checked against the real one."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))


@dataclass(frozen=True)
class Agreed:
    """An owner who accepted statistics long ago."""

    given: Statement

    def statement(self) -> Statement:
        return self.given

    def load(self) -> Consent:
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        return Consent(self.given.ref, frozenset({Scope.REPUTATION, Scope.STATISTICS}), "root", long_ago)


@dataclass
class Host:
    agent_id: str
    spool: Spool
    journal: Journal
    reporter: StatisticsReporter
    link: QueueLink


@dataclass
class Site:
    """One queue and its hosts."""

    settings: QueueSettings
    fingerprint: str
    where: Listening
    clock: MovedClock
    folder: Path
    people: PeopleClient
    stack: AsyncExitStack
    statement: Statement
    yesterday: date

    async def host(self) -> Host:
        """A host that enrols, on which three objects were flagged yesterday."""
        url = f"https://localhost:{self.where.people[1]}"
        ca, key = await fetch_ca(url, self.fingerprint), make_host_key()
        token = create_token(self.settings, Role.ENROLL, name=str(uuid.uuid4()), days=1, now=self.clock.now())
        answer = await enroll(url, ca, token, key.csr_pem)
        folder = self.folder / answer.agent_id
        (folder / "journal").mkdir(parents=True)
        for name, text in (("key", key.key_pem), ("certificate", answer.certificate), ("ca", ca)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        tls = host_client_context(folder / "ca", folder / "certificate", folder / "key")
        link = await self.stack.enter_async_context(QueueLink(f"https://localhost:{self.where.hosts[1]}", tls))
        ledger = SqliteSpoolLedger(folder / "ledger.sqlite")
        spool = Spool(folder, ledger, KeyRing(folder / "keys"), max_bytes=1 << 20, reserve_bytes=0)
        journal = Journal(folder / "journal")
        self.stack.callback(spool.close)
        self.stack.callback(journal.close)
        for number in range(3):
            spool.record(_record(self.yesterday, f"{number:064x}"))
        statistics = Statistics(
            spool, cast(ConsentStore, Agreed(self.statement)), Policy(), journal, PUBLISHED, self.clock
        )
        return Host(answer.agent_id, spool, journal, StatisticsReporter(statistics, link, self.clock), link)

    def move_to_report(self) -> None:
        """To the end of the day on which yesterday is reported."""
        evening = datetime.combine(self.yesterday + timedelta(days=1), time(23, 30), UTC)
        self.clock.ahead = evening - datetime.now(UTC)

    async def closed(self) -> StatisticsPage:
        """What people read once the day is closed."""
        self.clock.ahead += timedelta(days=STATISTICS_ACCEPT_DAYS)
        async with asyncio.timeout(WAIT_SECONDS):
            while not (page := await self.people.statistics()).days:
                await asyncio.sleep(0.05)
        return page


def _record(day: date, sha256: str) -> ObjectRecord:
    noon = datetime.combine(day, time(12), UTC)
    return ObjectRecord(
        str(uuid.uuid4()), ObjectState.DELIVERED, noon, noon, 0, Reason.DETECTION, b"/home/alice/x", sha256, 68,
        matches=(("EICAR_Test_File", 1), ("Of_Alice_Alone", 1)), kind=ContentKind.OTHER, ruleset_version="sha256:0",
    )  # fmt: skip


@pytest.fixture
def statement() -> Statement:
    """The basic statement under a threshold of five."""
    data = BASIC.data.decode().replace(f"threshold = {BASIC.statistics_threshold}", "threshold = 5")
    return parse_statement(data.encode(), BASIC.text.encode())


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: Statement) -> AsyncIterator[Site]:
    """A queue on loopback: real sockets, real TLS, real SQLite."""
    clock = MovedClock()
    monkeypatch.setattr("sampler.server.service.SystemClock", lambda: clock)
    made = initialize(
        tmp_path / "queue", ["localhost"], hosts_listen="127.0.0.1:0", people_listen="127.0.0.1:0",
        now=clock.now() - timedelta(days=1),
    )  # fmt: skip
    settings = msgspec.structs.replace(load_settings(QueueSettings, "queue", made.config, {}), sweep_seconds=0.05)
    started: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings, started=started.set_result))
    async with asyncio.timeout(WAIT_SECONDS):
        where = await started
    async with AsyncExitStack() as stack:
        token = create_token(settings, Role.ANALYST, name="analyst", days=30, now=clock.now())
        people = PeopleClient(f"https://localhost:{where.people[1]}", settings.authority_folder / "ca.pem", token)
        await stack.enter_async_context(people)
        yesterday = clock.now().date() - timedelta(days=1)
        yield Site(settings, made.fingerprint, where, clock, tmp_path, people, stack, statement, yesterday)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


@pytest.mark.parametrize(("reporting", "shows"), [(4, False), (5, True), (6, True)])
async def test_four_hosts_show_nothing_five_do(site: Site, reporting: int, shows: bool) -> None:
    """Under a threshold of five; nothing is shown while the day is open, and a sixth host cannot be told from five."""
    hosts = [await site.host() for _ in range(6)]
    site.move_to_report()
    for host in hosts[:reporting]:
        await host.reporter.report_once()
        assert (await site.people.statistics()).days == ()
    (day,) = (await site.closed()).days
    assert day.day == site.yesterday
    values = {(cell.table, cell.label): cell.value for cell in day.cells}
    if not shows:
        assert values == {}
        return
    assert values[Table.OBJECTS, "all"] in {15, 20}
    assert values[Table.BY_RULE, "EICAR_Test_File"] in {15, 20}
    assert values[Table.BY_RULE, "local"] in {15, 20}
    assert values[Table.DISTINCT, "all"] in {0, 5}
    assert {cell.threshold for cell in day.cells} == {5}


async def test_a_host_counts_once_and_nobody_is_kept(site: Site) -> None:
    """However often it reports; and what the queue keeps on disk of an open and of a closed day names no device."""
    hosts = [await site.host() for _ in range(5)]
    site.move_to_report()
    for host in hosts:
        await host.reporter.report_once()
        (entry,) = [entry for entry in host.journal.entries() if entry.kind == "statistics"]
        report = msgspec.convert(entry.document["report"], StatisticsReport)
        assert not (await host.link.report_statistics(msgspec.json.encode(report))).added
        assert host.agent_id not in str(entry.document)
        assert "alice" not in str(entry.document).lower()
    (day,) = (await site.closed()).days
    assert next(cell.value for cell in day.cells if cell.table is Table.OBJECTS) == 15
    with pytest.raises(QueueRefused, match="closed"):
        await hosts[0].link.statistics_key(site.yesterday)


async def test_the_certificate_says_whose_report_it_is(site: Site) -> None:
    """A host that makes up report ids is still one host."""
    host = await site.host()
    site.move_to_report()
    for number in range(6):
        report = StatisticsReport(id=str(uuid.uuid4()), day=site.yesterday, threshold=5, counts=(), sketches=())
        answer = await host.link.report_statistics(msgspec.json.encode(report))
        assert answer.added is (number == 0)


async def test_an_agent_shows_what_it_counts(
    lab: Lab,
    agent: AgentClient,
    until: Callable[[str, Callable[[ObjectView], bool]], Awaitable[ObjectView]],
    samples: Path,
) -> None:
    """The present day, with the published rule's name and the published rule set's version, and the same after it was
    killed."""
    (eicar,) = (path for path in (samples / "eicar/eicar").iterdir() if path.name != "expected.json")
    for _ in range(2):
        flagged = await agent.flag(FlagRequest(path=str(eicar)))
        await until(flagged.id, lambda view: view.state in {"delivered", "duplicate"})
    before = (await agent.statistics()).days[0]
    assert (before.state, before.rule, before.counts) == ("counting", "S5 day-not-over", ())
    counted = {(count.table, count.label): count.value for count in before.stays}
    assert counted[Table.OBJECTS, "all"] == counted[Table.BY_RULE, "EICAR_Test_File"] == 2
    assert counted[Table.BY_RULESET, (await agent.status()).ruleset_version] == 2
    await lab.kill("agent")
    await lab.start_agent()
    assert (await agent.statistics()).days[0] == before
