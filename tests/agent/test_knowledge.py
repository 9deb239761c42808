"""What a host does with what is known: with a real spool, journal and files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from sampler.agent.knowledge import Knowledge
from sampler.agent.on_verdict import VerdictCaller
from sampler.agent.verdict_settings import OnVerdictSection
from sampler.agent.verdicts import Verdicts
from sampler.errors import JournalError, QueueUnreachable, StorageError
from sampler.journal import Journal, JournalReader
from sampler.model import (
    Candidate,
    Conclusion,
    ContentKind,
    Finding,
    KnownFrom,
    KnownVerdict,
    LookUpRefusal,
    ObjectRecord,
    ObjectState,
    PathSource,
    Peer,
    Plan,
    Reason,
    Sampling,
    Verdict,
    VerdictCall,
)
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Spool
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.storage.sqlite_calls import SqliteCalls
from sampler.storage.sqlite_known import SqliteKnown

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
HASH = "ab" * 32
BAD = Verdict(Conclusion.MALICIOUS, 95, "analyzer", NOW, expires=NOW + timedelta(days=1))
RECORD = ObjectRecord(EVENT, ObjectState.FAILED, NOW, NOW, 1000, Reason.DETECTION, sha256=HASH, size=7)
CANDIDATE = Candidate(EVENT, NOW, Reason.DETECTION, Peer(1000, 1000, 1), PathSource(b"/x"))
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
NOBODY = cast("Any", None)
"""Decides nothing here."""


class Clock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass
class Asked:
    """Stands for the list, or for the queue: what it says, and how often it was asked."""

    says: KnownVerdict | None = None
    times: int = 0
    fault: Exception | None = None

    def find(self, sha256: str) -> KnownVerdict | None:
        self.times += 1
        return self.says

    def about(self, finding: Finding, *decider: Any) -> Any:
        return self._later() if decider else self.find(finding.sha256)

    async def ask(self, sha256: str) -> KnownVerdict | LookUpRefusal | None:
        return await self._later()

    async def _later(self) -> KnownVerdict | None:
        if self.fault is not None:
            raise self.fault
        return self.find("")


@dataclass
class Host:
    knowledge: Knowledge
    calls: SqliteCalls
    known: SqliteKnown
    good: Asked
    queue: Asked
    journal: Path

    def kinds(self) -> list[str]:
        return [entry.kind for entry in JournalReader(self.journal).entries()]


@pytest.fixture
def host(tmp_path: Path, keys: KeyRing) -> Iterator[Host]:
    folder = tmp_path / "journal"
    folder.mkdir()
    calls, known = SqliteCalls(tmp_path / "calls.sqlite"), SqliteKnown(tmp_path / "known.sqlite")
    good, queue, clock = Asked(), Asked(), Clock()
    with Journal(folder) as journal:
        caller = VerdictCaller(calls, OnVerdictSection(["/bin/true"]), clock, lambda: 0.0)
        verdicts = Verdicts(known, clock, 86_400.0)
        spool = Spool(tmp_path / "spool", MemorySpoolLedger(), keys, max_bytes=1 << 20, reserve_bytes=0)
        knowledge = Knowledge(verdicts, caller, spool, journal, cast("Any", good), cast("Any", queue))
        yield Host(knowledge, calls, known, good, queue, folder)
        spool.close()
    known.close()
    calls.close()


def known_from(source: KnownFrom) -> KnownVerdict:
    return KnownVerdict(HASH, BAD, source, NOW + timedelta(days=1))


async def test_what_is_remembered_ends_the_object(host: Host) -> None:
    """Its end is in the ledger and the journal, the command is owed its call, and nobody else is asked."""
    host.knowledge.tell(replace(RECORD, sampling=Sampling.WHOLE), BAD)
    host.calls.done(*host.calls.due(NOW, 9))
    other = "1b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
    record = replace(RECORD, event_id=other)
    ended = await host.knowledge.answer(CANDIDATE, record, FINDING, NOBODY)
    assert ended is not None
    assert (ended.state, ended.verdict) == (ObjectState.KNOWN, BAD)
    assert host.knowledge.spool.get(other) == ended
    assert host.kinds() == ["known"]
    assert [call.event_id for call in host.calls.due(NOW, 9)] == [other]
    assert (host.good.times, host.queue.times) == (0, 0)


async def test_who_is_asked_in_which_order(host: Host) -> None:
    """The list before the queue, and the queue only where nobody here knows."""
    assert await host.knowledge.answer(CANDIDATE, RECORD, FINDING, NOBODY) is None
    assert (host.good.times, host.queue.times) == (1, 1)
    host.queue.says = known_from(KnownFrom.LOOK_UP)
    host.good.says = known_from(KnownFrom.KNOWN_GOOD)
    ended = await host.knowledge.answer(CANDIDATE, RECORD, FINDING, NOBODY)
    assert ended is not None
    assert "known from known-good until" in ended.detail
    assert (host.good.times, host.queue.times) == (2, 1)


async def test_what_a_person_submits_is_not_even_looked_for(host: Host) -> None:
    """It is sent."""
    host.good.says = known_from(KnownFrom.KNOWN_GOOD)
    submitted = replace(CANDIDATE, reason=Reason.ANALYST)
    assert await host.knowledge.answer(submitted, RECORD, FINDING, NOBODY) is None
    assert (host.good.times, host.queue.times) == (0, 0)


async def test_where_the_call_cannot_be_noted_the_object_is_sent(host: Host) -> None:
    """Its verdict comes from the queue then, and the call with it; nothing of it is in the ledger as known."""
    host.good.says = known_from(KnownFrom.KNOWN_GOOD)

    class Full:
        def note(self, call: VerdictCall, now: datetime) -> bool:
            raise StorageError("the disk is full")

    caller = VerdictCaller(cast("Any", Full()), OnVerdictSection(["/bin/true"]), Clock(), lambda: 0.0)
    knowledge = replace(host.knowledge, caller=caller)
    assert await knowledge.answer(CANDIDATE, RECORD, FINDING, NOBODY) is None
    assert host.knowledge.spool.get(EVENT) is None
    with pytest.raises(StorageError):
        knowledge.tell(RECORD, BAD)


async def test_where_the_end_cannot_be_written_down_nothing_is_acknowledged(host: Host) -> None:
    """The scanner asks again."""
    host.good.says = known_from(KnownFrom.KNOWN_GOOD)

    class Full:
        def append(self, *entry: object) -> None:
            raise JournalError("the disk is full")

    with pytest.raises(JournalError):
        await replace(host.knowledge, journal=cast("Any", Full())).answer(CANDIDATE, RECORD, FINDING, NOBODY)
    assert host.knowledge.spool.get(EVENT) is None
    assert host.calls.counts() == (0, 0)


async def test_who_asks_by_hash_is_answered(host: Host) -> None:
    """From here or, unless that is not wanted, by the queue; or is told why not."""
    host.queue.says = known_from(KnownFrom.LOOK_UP)
    assert await host.knowledge.find(HASH, local=True) is None
    assert await host.knowledge.find(HASH, local=False) == host.queue.says
    host.queue.fault = QueueUnreachable("away")
    assert await host.knowledge.find(HASH, local=False) == LookUpRefusal("not answered", "away")
    refused = await replace(host.knowledge, lookup=None).find(HASH, local=False)
    assert isinstance(refused, LookUpRefusal)
    assert refused.rule == "no queue"
    host.good.says = known_from(KnownFrom.KNOWN_GOOD)
    assert await host.knowledge.find(HASH, local=True) == host.good.says
