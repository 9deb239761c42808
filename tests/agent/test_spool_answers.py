"""What operators learn of the spool, and do to it, and what others may not."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.spool_answers import SpoolAnswers
from sampler.errors import NotYours
from sampler.model import Content, ObjectRecord, ObjectState, Parcel, Peer, Reason, StatementRef, parcel
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Ended, Spool, Worth
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.wire.spool_messages import SpoolChoice

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
OWNER = Peer(os.geteuid(), 0, 1)
STRANGER = Peer(4_000_000, 4_000_000, 1)


@dataclass
class Clock:
    """Stands still."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


@dataclass
class Host:
    """A spool and its operator's side."""

    spool: Spool
    keys: KeyRing
    ends: list[Ended]
    retried: list[bool] = field(default_factory=list)

    @property
    def answers(self) -> SpoolAnswers:
        return SpoolAnswers(self.spool, self.keys, Clock(), lambda: self.retried.append(True))

    def put(self, rule: str = "Example", severity: int = 50) -> str:
        event_id, data = str(uuid.uuid4()), os.urandom(100)
        content = Content(hashlib.sha256(data).hexdigest(), len(data), 0)
        record = ObjectRecord(event_id, ObjectState.SPOOLED, NOW, NOW, 0, Reason.DETECTION)
        sealed = Parcel(
            event_id,
            NOW,
            content.sha256,
            100,
            StatementRef("basic", 1, "0" * 64),
            frozenset(),
            (),
            (),
            (content,),
            (),
            (),
            seal=parcel._SEAL,
        )
        self.spool.put(record, sealed, b"{}", lambda _content: [data], worth=Worth(rule, severity))
        return event_id

    def state(self, event_id: str) -> ObjectState:
        record = self.spool.get(event_id)
        assert record is not None
        return record.state


@pytest.fixture
def host(tmp_path: Path, keys: KeyRing) -> Iterator[Host]:
    ends: list[Ended] = []
    spool = Spool(
        tmp_path / "spool", MemorySpoolLedger(), keys, max_bytes=1 << 20, reserve_bytes=0, on_ended=ends.append
    )
    yield Host(spool, keys, ends)
    spool.close()


async def test_how_it_stands(host: Host) -> None:
    """Numbers for everybody; whose objects wait for root and the agent's own user alone."""
    host.put("Example", 50)
    host.put("Example", 80)
    told = await host.answers.status(OWNER)
    assert (told.objects, told.used_bytes, told.max_bytes) == (2, 204, 1 << 20)
    assert (told.next_due, told.evicted, told.expired, told.untold) == (NOW, 0, 0, 0)
    (group,) = told.groups
    assert (group.group, group.objects, group.size_bytes, group.severity) == ("Example", 2, 204, 80)
    others = await host.answers.status(STRANGER)
    assert (others.objects, others.groups) == (2, [])


@pytest.mark.parametrize("choice", [SpoolChoice(), SpoolChoice(ids=[str(uuid.uuid4())])])
async def test_others_may_not(host: Host, choice: SpoolChoice) -> None:
    """Another user neither purges nor retries, and nothing happens."""
    event_id = host.put()
    for do in (host.answers.purge, host.answers.retry):
        with pytest.raises(NotYours):
            await do(STRANGER, choice)
    assert (host.state(event_id), host.retried) == (ObjectState.SPOOLED, [])


async def test_purging_by_name(host: Host) -> None:
    """What was named ends, with who did it; what does not wait is left out of the answer."""
    gone, stays = host.put(), host.put()
    done = await host.answers.purge(OWNER, SpoolChoice(ids=[gone, str(uuid.uuid4())]))
    assert (done.objects, done.ids) == (1, [gone])
    assert (host.state(gone), host.state(stays)) == (ObjectState.EVICTED, ObjectState.SPOOLED)
    ((event_id, why),) = [(end.event_id, end.why) for end in host.ends]
    assert (event_id, why) == (gone, "person")
    assert "took it out" in host.ends[0].detail


async def test_purging_everything(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that waits ends, over several pages; a delivery under way does not."""
    monkeypatch.setattr("sampler.agent.spool_answers._PAGE", 3)
    first = host.put()
    host.spool.pending(NOW, 1)
    others = [host.put() for _ in range(8)]
    done = await host.answers.purge(OWNER, SpoolChoice())
    assert (done.objects, done.ids) == (8, [])
    assert {host.state(event_id) for event_id in others} == {ObjectState.EVICTED}
    assert host.state(first) is ObjectState.SPOOLED


async def test_retrying(host: Host) -> None:
    """What was put off is due, and whoever delivers is told to try."""
    event_id = host.put()
    host.spool.postpone(event_id, NOW + timedelta(hours=1), detail="busy", now=NOW)
    assert (await host.answers.retry(OWNER, SpoolChoice(ids=[event_id]))).objects == 1
    assert host.retried == [True]
    assert [waiting.event_id for waiting in host.spool.pending(NOW, 9)] == [event_id]
