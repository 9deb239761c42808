"""What an agent does about its spool without being asked: from opening it to forgetting a key."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.places import AgentPlaces
from sampler.agent.settings import SpoolSection
from sampler.agent.spool_opening import key_ring, open_spool
from sampler.agent.spool_tending import SpoolTender
from sampler.errors import SealError
from sampler.journal import Journal, JournalReader
from sampler.model import Content, ObjectRecord, ObjectState, Parcel, Reason, StatementRef, parcel
from sampler.retain import HoldStore
from sampler.spool import Spool, Worth

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Enough(Exception):
    """Nobody looks any further."""


@dataclass
class Clock:
    """Moves when told to; whoever sleeps has it move, and ends after some rounds."""

    moment: datetime = NOW
    rounds: int = 0

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        if self.rounds == 0:
            raise Enough
        self.rounds -= 1
        self.moment += timedelta(seconds=seconds)


@dataclass
class Host:
    """An agent's state folder, and what of the agent concerns the spool."""

    places: AgentPlaces
    stack: ExitStack
    clock: Clock

    def start(self, settings: SpoolSection | None = None) -> tuple[Spool, SpoolTender]:
        settings = settings or SpoolSection(reserve_bytes=0)
        self.places.journal.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.stack.close()
        journal = self.stack.enter_context(Journal(self.places.journal))
        spool = open_spool(self.places, settings, journal, self.clock.now())
        self.stack.callback(spool.close)
        return spool, SpoolTender(spool, settings, self.places, self.clock)

    def kinds(self) -> list[tuple[str, str, object]]:
        entries = JournalReader(self.places.journal).entries()
        return [(entry.kind, entry.event_id, entry.document.get("why")) for entry in entries]

    def key_names(self) -> list[str]:
        return sorted(path.name for path in self.places.keys.iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with ExitStack() as stack:
        yield Host(AgentPlaces(tmp_path / "state", tmp_path / "socket"), stack, Clock())


@pytest.fixture
def put() -> Callable[..., str]:
    def put_into(spool: Spool, size: int = 100, worth: Worth = Worth("rule", 50)) -> str:  # noqa: B008  # frozen
        event_id, data = str(uuid.uuid4()), os.urandom(size)
        content = Content(hashlib.sha256(data).hexdigest(), size, 0)
        record = ObjectRecord(event_id, ObjectState.SPOOLED, NOW, NOW, 0, Reason.DETECTION)
        statement = StatementRef("basic", 1, "0" * 64)
        sealed = Parcel(
            event_id, NOW, content.sha256, size, statement, frozenset(), (), (), (content,), (), (), seal=parcel._SEAL
        )
        spool.put(record, sealed, b"{}", lambda _content: [data], worth=worth)
        return event_id

    return put_into


def test_evictions_are_in_the_journal(host: Host, put: Callable[..., str]) -> None:
    """Who made room stands in the owner's journal, with the reason, and the key lies apart, for the agent alone."""
    spool, _ = host.start(SpoolSection(max_bytes=1000, reserve_bytes=0))
    low = put(spool, 600, Worth("rule", 10))
    put(spool, 600, Worth("rule", 90))
    assert host.kinds() == [("evicted", low, "room")]
    assert len(host.key_names()) == 1
    assert host.places.keys.stat().st_mode & 0o777 == 0o700


def test_what_waits_too_long_expires(host: Host, put: Callable[..., str]) -> None:
    """After the days of the settings at work an object ends, by name in the journal; a clock that jumps ends none."""
    spool, tender = host.start(SpoolSection(max_days=1, reserve_bytes=0))
    event_id = put(spool)
    host.clock.moment += 400 * DAY
    tender.tend(0)
    assert host.kinds() == []
    tender.tend(86_399)
    tender.tend(1)
    record = spool.get(event_id)
    assert record is not None
    assert record.state is ObjectState.EXPIRED
    assert host.kinds() == [("expired", event_id, "age")]


async def test_rounds(host: Host, put: Callable[..., str]) -> None:
    """The agent looks again and again, and counts only the time between its looks."""
    spool, tender = host.start(SpoolSection(max_days=0.01, reserve_bytes=0))
    event_id = put(spool)
    host.clock.rounds = 2
    with pytest.raises(Enough):
        await tender.run()
    assert host.kinds() == []
    host.clock.rounds = 1
    with pytest.raises(Enough):
        await tender.run()
    assert host.kinds() == [("expired", event_id, "age")]


def test_keys_succeed_each_other_and_go(host: Host, put: Callable[..., str]) -> None:
    """A new key at its time; the old one stays while a content, or something held, needs it, and goes after."""
    spool, tender = host.start()
    event_id = put(spool)
    held = HoldStore(host.places.held, key_ring(host.places), max_bytes=4 << 20, max_count=9)
    assert held.keep(event_id, b"about", 5, [b"bytes"])
    host.clock.moment += 30 * DAY
    tender.tend_keys()
    first, second = host.key_names()
    host.clock.moment += 2 * DAY
    spool.finish(event_id, ObjectState.DELIVERED, detail="", sent_bytes=0, now=NOW)
    tender.tend_keys()
    assert host.key_names() == [first, second]
    held.forget(event_id)
    tender.tend_keys()
    assert host.key_names() == [second]


def test_what_was_kept_under_the_first_key(host: Host) -> None:
    """Snapshots that an agent of before kept are read with its key, which goes when the last of them does."""
    host.places.seal_key.parent.mkdir(parents=True)
    host.places.seal_key.write_bytes(bytes(range(32)))
    spool, tender = host.start()
    host.clock.moment += DAY
    host.places.retained.mkdir()
    file = host.places.retained / f"{uuid.uuid4()}.sealed"
    file.write_bytes(b"SMPSEAL1" + bytes(32) + b"whatever")
    tender.tend_keys()
    assert host.places.seal_key.exists()
    file.unlink()
    tender.tend_keys()
    assert not host.places.seal_key.exists()
    assert spool.counts() == {}


def test_a_key_that_is_none(host: Host) -> None:
    """An agent whose latest key was damaged does not start: it could encrypt nothing."""
    host.places.keys.mkdir(parents=True)
    (host.places.keys / "1700000000.key").write_bytes(b"short")
    with pytest.raises(SealError, match="not a key"):
        host.start()


async def test_a_round_that_fails_is_not_the_last(host: Host, put: Callable[..., str]) -> None:
    """A key that is damaged while the agent runs is an error in its log; what else is due is done all the same."""
    spool, tender = host.start(SpoolSection(max_days=0.001, reserve_bytes=0))
    event_id = put(spool)
    (host.places.keys / "9000000000.key").write_bytes(b"short")
    host.clock.rounds = 1
    with pytest.raises(Enough):
        await tender.run()
    assert host.kinds() == [("expired", event_id, "age")]


def test_what_a_crash_left_is_gone_after_the_start(host: Host, put: Callable[..., str]) -> None:
    """Files that nobody needs, and those half written, go; what waits stays."""
    spool, _ = host.start()
    event_id = put(spool)
    shard = next((host.places.spool / "contents").iterdir())
    (shard / ".half.part").write_bytes(b"x")
    (shard / f"{'0' * 64}.sealed").write_bytes(b"x")
    spool, _ = host.start()
    assert [waiting.event_id for waiting in spool.pending(NOW, 9)] == [event_id]
    assert len(list(shard.iterdir())) == 1
