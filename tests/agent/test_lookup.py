"""A host that looks up: permitted, written down, then said; and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from sampler.agent.lookup import LookUp
from sampler.agent.verdict_settings import LookUpSection
from sampler.agent.verdicts import Verdicts
from sampler.errors import ConsentError, QueueRefused, QueueUnreachable
from sampler.journal import Journal, JournalReader
from sampler.model import (
    Conclusion,
    ContentKind,
    Finding,
    KnownFrom,
    KnownVerdict,
    LookUpQuestion,
    LookUpRefusal,
    ObjectState,
    Plan,
    Reason,
    Refusal,
    Sampling,
    Verdict,
)
from sampler.permit import Consent, Policy, Statement, shipped_statement
from sampler.storage.sqlite_known import SqliteKnown
from sampler.upload import LookUpLink

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
HASH = "b7" + "ab" * 31
BASIC = shipped_statement("basic")
BAD = Verdict(Conclusion.MALICIOUS, 95, "analyzer", NOW, expires=NOW + timedelta(days=1))
FINDING = Finding(
    event_id=EVENT,
    created=NOW,
    reason=Reason.DETECTION,
    sha256=HASH,
    size=7,
    kind=ContentKind.SCRIPT,
    mime_type="text/plain",
    ruleset_version="v",
    plan=Plan(Sampling.WHOLE),
)


class Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")


class Consents:
    given: Consent | None = Consent(BASIC.ref, BASIC.scopes, "root", NOW)

    def load(self) -> Consent | None:
        return self.given

    def statement(self) -> Statement:
        return BASIC


@dataclass
class Decider:
    """Stands for the decision about the object."""

    refused: Refusal | None = None

    def refuse(self, finding: Finding) -> Refusal | None:
        return self.refused


@dataclass
class FakeQueue(LookUpLink):
    """What a queue answers, and what it was asked."""

    bits: int = 4
    listed: dict[str, Verdict] = field(default_factory=lambda: {HASH: BAD})
    asked: list[tuple[int, int]] = field(default_factory=list)
    terms_asked: int = 0
    faults: list[Exception] = field(default_factory=list)
    stalls: bool = False

    async def terms(self) -> int:
        self.terms_asked += 1
        return self.bits

    async def look_up(self, question: LookUpQuestion) -> Mapping[str, Verdict]:
        self.asked.append((question.bits, question.prefix))
        if self.stalls:
            await asyncio.get_running_loop().create_future()
        if self.faults:
            raise self.faults.pop(0)
        return self.listed


@dataclass
class Host:
    queue: FakeQueue
    clock: Clock
    consents: Consents
    lookup: LookUp
    journal: Path

    def entries(self) -> list[dict[str, Any]]:
        return [dict(entry.document) for entry in JournalReader(self.journal).entries() if entry.kind == "looked_up"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    queue, clock, consents = FakeQueue(), Clock(), Consents()
    folder = tmp_path / "journal"
    folder.mkdir()
    file = SqliteKnown(tmp_path / "known.sqlite")
    verdicts = Verdicts(file, clock, 86_400.0)
    with Journal(folder) as journal:
        store = cast("Any", consents)
        lookup = LookUp(queue, verdicts, journal, store, Policy(), LookUpSection(timeout_seconds=5.0), clock)
        yield Host(queue, clock, consents, lookup, folder)
    file.close()


def decider(refused: Refusal | None = None) -> Any:
    return Decider(refused)


async def test_what_the_queue_knows_answers(host: Host) -> None:
    """It is remembered, so that the same bytes are not asked about again, and the prefix is in the journal."""
    known = await host.lookup.about(FINDING, decider())
    assert known == KnownVerdict(HASH, BAD, KnownFrom.LOOK_UP, NOW + timedelta(days=1), Sampling.WHOLE)
    assert host.queue.asked == [(4, 0xB)]
    assert host.lookup.verdicts.find(HASH) == known
    (entry,) = host.entries()
    assert (entry["bits"], entry["prefix"], entry["scopes"]) == (4, "1011", ["reputation"])


async def test_what_it_does_not_know_is_sent(host: Host) -> None:
    """Also where it knows another file with the same prefix, or said it too long ago."""
    host.queue.listed = {"b7" + "cd" * 31: BAD}
    assert await host.lookup.ask(HASH) is None
    host.clock.moment += timedelta(minutes=6)
    host.queue.listed = {HASH: replace(BAD, expires=host.clock.moment)}
    assert await host.lookup.ask(HASH) is None


async def test_without_consent_nothing_is_asked(host: Host) -> None:
    """Not even noted."""
    host.consents.given = None
    refused = await host.lookup.ask(HASH)
    assert isinstance(refused, LookUpRefusal)
    assert refused.rule == "P1 no-consent"
    assert (host.queue.asked, host.entries(), host.queue.terms_asked) == ([], [], 0)


async def test_what_may_not_leave_is_not_asked_about(host: Host) -> None:
    """An excluded path, for one: the queue learns nothing of it."""
    refused = Refusal(EVENT, ObjectState.REFUSED, "P4 excluded-path", "the policy excludes /srv")
    assert await host.lookup.about(FINDING, decider(refused)) is None
    assert (host.queue.asked, host.entries(), host.queue.terms_asked) == ([], [], 0)


async def test_a_queue_that_wants_more_bits_is_told_no_more(host: Host) -> None:
    """However many files it says that it knows."""
    host.queue.bits = 24
    assert isinstance(await host.lookup.ask(HASH), KnownVerdict)
    assert host.queue.asked == [(16, 0xB7AB)]
    host.lookup.settings = LookUpSection(bits_max=0)
    assert isinstance(await host.lookup.ask(HASH), KnownVerdict)
    assert host.queue.asked[-1] == (0, 0)


async def test_the_same_prefix_is_told_once_for_a_while(host: Host) -> None:
    """And terms are asked for once an hour."""
    other = "b8" + "00" * 31
    await host.lookup.ask(HASH)
    await host.lookup.ask(other)
    assert len(host.queue.asked) == len(host.entries()) == host.queue.terms_asked == 1
    host.clock.moment += timedelta(minutes=5)
    await host.lookup.ask(other)
    assert len(host.queue.asked) == 2
    assert host.queue.terms_asked == 1
    host.clock.moment += timedelta(hours=1)
    await host.lookup.ask(other)
    assert host.queue.terms_asked == 2


async def test_terms_that_changed_are_asked_for_anew(host: Host) -> None:
    """Once; a queue that goes on so is not asked any more."""
    host.queue.faults = [QueueRefused("the terms have changed", 409)]
    assert isinstance(await host.lookup.ask(HASH), KnownVerdict)
    assert host.queue.terms_asked == 2
    host.clock.moment += timedelta(hours=2)
    host.queue.faults = [QueueRefused("the terms have changed", 409) for _ in range(9)]
    with pytest.raises(QueueUnreachable):
        await host.lookup.ask(HASH)
    assert len(host.queue.faults) == 7


async def test_a_queue_that_does_not_answer_is_left_alone_for_a_while(host: Host) -> None:
    """What is flagged meanwhile is sent without waiting."""
    host.lookup.settings = LookUpSection(timeout_seconds=0.1)
    host.queue.stalls = True
    assert await host.lookup.about(FINDING, decider()) is None
    assert await host.lookup.about(FINDING, decider()) is None
    assert len(host.queue.asked) == 1
    host.queue.stalls = False
    host.clock.moment += timedelta(seconds=30)
    assert await host.lookup.about(FINDING, decider()) is not None


@pytest.mark.parametrize(
    "fault", [QueueUnreachable("away"), QueueRefused("no", 403), ConsentError("P1 no-consent: withdrawn")]
)
async def test_whatever_fails_the_object_is_sent(host: Host, fault: Exception) -> None:
    """A look-up is a favour to the owner, and no condition."""
    host.queue.faults = [fault]
    assert await host.lookup.about(FINDING, decider()) is None


async def test_switched_off_nothing_flagged_is_looked_up(host: Host) -> None:
    """But who asks by name is answered."""
    host.lookup.settings = LookUpSection(enabled=False)
    assert await host.lookup.about(FINDING, decider()) is None
    assert host.queue.asked == []
    assert isinstance(await host.lookup.ask(HASH), KnownVerdict)
