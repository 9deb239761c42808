"""Holding, deciding about what is held, and looking after it: with a real spool, journal and store, and no children."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sampler.agent.deciding import Decider
from sampler.agent.finder import Found
from sampler.agent.handler import Handler
from sampler.agent.held_objects import HeldObjects, held_id
from sampler.agent.holding import Holder
from sampler.agent.pending import Pending
from sampler.agent.pipeline import Pipeline
from sampler.errors import NotYours, RequestError
from sampler.journal import Journal, JournalReader
from sampler.model import (
    Ask,
    Candidate,
    Content,
    ContentKind,
    Finding,
    KeptSource,
    ObjectRecord,
    ObjectState,
    Parcel,
    Peer,
    Plan,
    Reason,
    Sampling,
    Scope,
    Snapshot,
)
from sampler.permit import Consent, HostNames, Policy, PolicyRule, Statement, shipped_statement
from sampler.retain import HoldStore
from sampler.runtime import blocking
from sampler.runtime.key_ring import KeyRing
from sampler.snapshot import SnapshotTaker, read_range
from sampler.spool import Spool, SpoolLedger
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.wire.pending_messages import PendingDecision

MIB = 2**20
BYTES = b"a letter to Ann " * 100
FIRST = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
HELD = held_id(FIRST)
NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
STATEMENT = shipped_statement("extended")
ALL = Consent(STATEMENT.ref, STATEMENT.scopes, "root", NOW)


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Consents:
    """Stands for the store: what was accepted can be exchanged."""

    def __init__(self) -> None:
        self.given: Consent | None = ALL

    def load(self) -> Consent | None:
        return self.given

    def statement(self) -> Statement:
        return STATEMENT


@dataclass
class Host:
    """One machine: a document on it was flagged, and its whole was asked for."""

    clock: Clock
    consents: Consents
    spool: Spool
    journal: Journal
    held: HeldObjects
    whole: Snapshot
    folder: Path
    policy: Policy
    woken: list[None]

    @property
    def decider(self) -> Decider:
        names = HostNames(pseudonym_key=b"k" * 32)
        return Decider(self.clock, cast("Any", self.consents), self.policy, names, self.spool, self.held)

    def found(self, whole: Snapshot, **changes: Any) -> Found:
        finding = Finding(
            event_id=FIRST,
            created=NOW,
            reason=Reason.DETECTION,
            sha256=whole.sha256,
            size=whole.size,
            kind=ContentKind.DOCUMENT,
            mime_type="application/msword",
            ruleset_version="v",
            plan=Plan(Sampling.WHOLE),
            path=b"/tmp/letter.doc",
        )

        def read(content: Content) -> Iterator[bytes]:
            return iter(read_range(whole, content.offset, content.size))

        return Found(replace(finding, **changes), Ask(Sampling.WHOLE), read)

    def flag(self) -> Parcel:
        """As the pipeline does: decide, hold, spool nothing of the rest."""
        found = self.found(self.whole)
        parcel = self.decider.decide(found.finding).outcome
        assert isinstance(parcel, Parcel)
        record = ObjectRecord(FIRST, ObjectState.FAILED, NOW, self.clock.now(), 1000, Reason.DETECTION)
        Holder(self.held, self.spool, self.journal).hold(record, parcel, candidate(), self.whole, found)
        return parcel

    def pending(self, seconds: float = 3600.0) -> Pending:
        @asynccontextmanager
        async def find(asked: Candidate, taken: Any) -> AsyncIterator[Found]:
            changes = {"event_id": asked.event_id, "follows": asked.follows}
            yield self.found(taken.snapshot, **changes)

        pipeline = SimpleNamespace(
            clock=self.clock,
            consents=self.consents,
            spool=self.spool,
            journal=self.journal,
            held=self.held,
            decider=self.decider,
            finder=SimpleNamespace(found=find),
            snapshots=SnapshotTaker(self.folder),
            on_spooled=lambda: self.woken.append(None),
        )
        return Pending(cast("Pipeline", pipeline), seconds)

    def close(self) -> None:
        os.close(self.whole.descriptor)
        self.journal.close()
        self.spool.close()

    def record(self, event_id: str = HELD) -> ObjectRecord:
        record = self.spool.get(event_id)
        assert record is not None
        return record

    def kinds(self) -> list[str]:
        return [entry.kind for entry in JournalReader(self.folder / "journal").entries()]


def candidate() -> Candidate:
    return Candidate(FIRST, NOW, Reason.DETECTION, Peer(1000, 1000, 1), KeptSource(b"/tmp/letter.doc"))


@pytest.fixture
def host(tmp_path: Path, keys: KeyRing) -> Iterator[Callable[..., Host]]:
    made: list[Host] = []

    def make(*, policy: Policy | None = None, max_bytes: int = 8 * MIB) -> Host:
        host = host_in(tmp_path, keys, MemorySpoolLedger(), policy=policy, max_bytes=max_bytes)
        made.append(host)
        return host

    yield make
    for each in made:
        each.close()


def host_in(
    folder: Path, keys: KeyRing, ledger: SpoolLedger, *, policy: Policy | None = None, max_bytes: int = 8 * MIB
) -> Host:
    """A machine over what is in a folder, or is not yet."""
    for name in ("spool", "journal"):
        (folder / name).mkdir(mode=0o755, exist_ok=True)
    return Host(
        clock=Clock(),
        consents=Consents(),
        spool=Spool(folder / "spool", ledger, keys, max_bytes=8 * MIB, reserve_bytes=0),
        journal=Journal(folder / "journal"),
        held=HeldObjects(HoldStore(folder / "held", keys, max_bytes=max_bytes, max_count=9)),
        whole=SnapshotTaker(folder).keep_pieces(iter([BYTES]), expected_bytes=len(BYTES)),
        folder=folder,
        policy=policy or Policy(),
        woken=[],
    )


async def test_an_approval_releases_what_was_shown(host: Callable[..., Host]) -> None:
    """The event that waited is delivered with the bytes that were kept, names the first one, and the uploader wakes."""
    one = host()
    parcel = one.flag()
    assert one.record().state is ObjectState.HELD
    assert one.record().contents == parcel.held
    assert Scope.DOCUMENTS in one.record().scopes
    approved = await one.pending().approve(HELD, "ann")
    assert approved.state is ObjectState.SPOOLED
    (waiting,) = one.spool.pending(one.clock.now(), 9)
    assert (waiting.event_id, waiting.content_bytes) == (HELD, len(BYTES))
    assert FIRST.encode() in waiting.manifest
    assert one.woken == [None]
    assert not one.held.store.holds(HELD)
    assert one.kinds() == ["held", "approved", "permitted"]


async def test_a_denial_is_final(host: Callable[..., Host]) -> None:
    """Nothing leaves, the bytes go, and it cannot be approved any more."""
    one = host()
    one.flag()
    denied = await one.pending().deny(HELD, "ann")
    assert (denied.state, denied.rule, "ann" in denied.detail) == (ObjectState.REFUSED, "P10 denied", True)
    assert one.record().rule == "P10 denied"
    assert not one.held.store.holds(HELD)
    with pytest.raises(RequestError, match="does not wait"):
        await one.pending().approve(HELD, "ann")
    assert one.kinds() == ["held", "denied"]


async def test_an_approval_asks_everything_anew(host: Callable[..., Host]) -> None:
    """Consent or policy that no longer allow it keep it here, waiting; so does a day whose volume is used up."""
    one = host()
    one.flag()
    one.consents.given = ALL.without(frozenset({Scope.DOCUMENTS}), "ann", NOW)
    with pytest.raises(RequestError, match="P7 whole-kind"):
        await one.pending().approve(HELD, "ann")
    one.consents.given = ALL
    for policy, rule in (
        (Policy(bytes_per_day=len(BYTES) - 1), "P6 policy-volume"),
        (Policy(rules=(PolicyRule(sampling_max=Sampling.NONE),)), "P6 policy-ceiling"),
        (Policy(exclude_paths=("/tmp",)), "P4 excluded-path"),
    ):
        one.policy = policy
        with pytest.raises(RequestError, match=rule):
            await one.pending().approve(HELD, "ann")
    assert one.record().state is ObjectState.HELD
    assert one.held.store.holds(HELD)
    assert one.spool.pending(one.clock.now(), 9) == ()


def test_flagged_again_it_waits_once(host: Callable[..., Host]) -> None:
    """The same object by the same event is held once, whatever became of it."""
    one = host()
    one.flag()
    one.flag()
    assert one.kinds() == ["held"]


def test_what_does_not_fit_is_refused_by_name(host: Callable[..., Host], keys: KeyRing) -> None:
    """Without room nothing is held: the parcel says so, or, where the room went meanwhile, what would wait."""
    one = host(max_bytes=0)
    parcel = one.flag()
    assert parcel.held == ()
    assert parcel.omissions[0].reason.startswith("P10 not-held")
    roomy = replace(one, held=HeldObjects(HoldStore(one.folder / "other", keys, max_bytes=8 * MIB, max_count=9)))
    found = roomy.found(one.whole)
    late = roomy.decider.decide(found.finding).outcome
    assert isinstance(late, Parcel)
    record = ObjectRecord(FIRST, ObjectState.FAILED, NOW, NOW, 1000, Reason.DETECTION)
    Holder(one.held, one.spool, one.journal).hold(record, late, candidate(), one.whole, found)
    assert (one.record().state, one.record().rule) == (ObjectState.REFUSED, "P10 not-held")


def test_nobody_decides_in_time(host: Callable[..., Host]) -> None:
    """After the time that the policy gives it ends by its rule, not a moment before."""
    one = host()
    one.flag()
    one.clock.time = NOW + timedelta(seconds=3599)
    one.pending(3600.0).tend()
    assert one.record().state is ObjectState.HELD
    one.clock.time = NOW + timedelta(seconds=3600)
    one.pending(3600.0).tend()
    assert (one.record().state, one.record().rule) == (ObjectState.EXPIRED, "P10 expired")
    assert not one.held.store.holds(HELD)
    assert one.kinds() == ["held", "expired"]


@pytest.mark.parametrize("scopes", [None, frozenset({Scope.DOCUMENTS}), frozenset({Scope.REPUTATION})])
def test_a_withdrawal_ends_it(host: Callable[..., Host], scopes: frozenset[Scope] | None) -> None:
    """What needs a scope that the owner took back ends at the next look, and its bytes go."""
    one = host()
    one.flag()
    one.consents.given = ALL.without(scopes, "ann", NOW)
    one.pending().tend()
    assert one.record().state is ObjectState.RECALLED
    assert not one.held.store.holds(HELD)


def test_a_withdrawal_of_something_else_does_not(host: Callable[..., Host]) -> None:
    """A scope that it does not need may go."""
    one = host()
    one.flag()
    one.consents.given = ALL.without(frozenset({Scope.MEMORY}), "ann", NOW)
    one.pending().tend()
    assert one.record().state is ObjectState.HELD
    assert one.held.store.holds(HELD)


def test_killed_between_bytes_and_event(host: Callable[..., Host]) -> None:
    """Bytes without an event go at the next look; an event without bytes ends, and says so."""
    one = host()
    one.held.keep(candidate(), one.whole, Ask(Sampling.WHOLE))
    one.pending().tend()
    assert not one.held.store.holds(HELD)
    one.flag()
    one.held.store.forget(HELD)
    one.pending().tend()
    assert (one.record().state, "no longer kept" in one.record().detail) == (ObjectState.FAILED, True)


def test_killed_in_the_middle_of_an_approval(tmp_path: Path, keys: KeyRing) -> None:
    """Whichever step was the last, it waits whole or is on its way whole, once; approved again, it leaves."""
    steps = 0
    while killed_while_approving(folder := tmp_path / f"step-{steps}", keys, after=steps):
        host = host_in(folder, keys, SqliteSpoolLedger(folder / "ledger.sqlite"))
        try:
            assert host.journal.verify() == ()
            if host.record().state is ObjectState.HELD:
                asyncio.run(host.pending().approve(HELD, "ann"))
            (waiting,) = host.spool.pending(host.clock.now(), 9)
            assert (waiting.event_id, waiting.content_bytes) == (HELD, len(BYTES))
            (content,) = waiting.contents
            with host.spool.open_content(content.sha256) as file:
                assert file.read() == BYTES
            host.pending().tend()
            assert not host.held.store.holds(HELD)
            assert host.kinds()[-2:] == ["approved", "permitted"]
        finally:
            host.close()
        steps += 1
    assert steps > 5


def killed_while_approving(folder: Path, keys: KeyRing, *, after: int) -> bool:
    """Whether a process that approves ended before its step: a call that changes something on the disk."""
    folder.mkdir()
    child = os.fork()
    if not child:
        try:
            blocking._pool = ThreadPoolExecutor()  # threads do not come along
            host = host_in(folder, keys, SqliteSpoolLedger(folder / "ledger.sqlite"))
            host.flag()
            die_after(after)
            asyncio.run(host.pending().approve(HELD, "ann"))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "it failed by itself"
    return code == 9


def die_after(steps: int) -> None:
    """From now on the process dies right before such a step."""
    left = steps + 1

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os._exit(9)
            return call(*arguments, **options)

        return count

    for name in ("write", "fsync", "rename", "replace", "unlink", "ftruncate", "mkdir"):
        setattr(os, name, dying(getattr(os, name)))
    SqliteSpoolLedger.release = dying(SqliteSpoolLedger.release)  # type: ignore[method-assign]  # in this process alone


async def test_others_do_not_decide(host: Callable[..., Host]) -> None:
    """Neither who flagged it nor any other user approves or denies; root and the agent's own user do."""
    one = host()
    one.flag()
    handler = SimpleNamespace(pending=one.pending())
    for approve in (True, False):
        decision = PendingDecision(approve=approve)
        with pytest.raises(NotYours):
            await Handler.decide_pending(cast("Handler", handler), HELD, Peer(54321, 54321, 1), decision)
    assert one.record().state is ObjectState.HELD
    own = Peer(os.geteuid(), 0, 1)
    view = await Handler.decide_pending(cast("Handler", handler), HELD, own, PendingDecision(approve=True))
    assert (view.state, view.follows) == ("spooled", FIRST)
