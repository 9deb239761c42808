"""Taking back on the host, and telling the queue of it: a real spool and journal, and a queue that is played."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sampler.agent.recall_following import RecallFollower, checked
from sampler.agent.recalling import Recaller, why_taken_back
from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import ConsentError, JournalError, QueueFaulty, QueueUnreachable
from sampler.identity import SigningKey
from sampler.journal import Journal
from sampler.model import ObjectRecord, ObjectState, Reason, Scope, StatementRef, Waiting
from sampler.retain import RetainStore
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Spool
from sampler.storage.memory_spool import MemorySpoolLedger
from sampler.wire.codec import encode
from sampler.wire.recall_messages import RECALL_CONTEXT, RecallConfirmation
from sampler.wire.receipt_messages import Signed

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
STATEMENT = StatementRef("basic", 1, "0" * 64)
DEVICE = str(uuid.UUID(int=7))


class Clock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


@dataclass
class Queue:
    """What the queue answers to recalls, and what it was asked."""

    key: SigningKey
    asked: list[tuple[str, str]] = field(default_factory=list)
    about: str | None = None
    """Another submission that the confirmation is about."""
    unreachable: frozenset[str] = frozenset()
    shown: SigningKey | None = None
    """The key that it shows, where it is another."""

    async def recall(self, submission: str, cause: str) -> Signed:
        self.asked.append((submission, cause))
        if submission in self.unreachable:
            raise QueueUnreachable("nobody answers")
        told = RecallConfirmation(
            submission=self.about or submission,
            device=DEVICE,
            cause="person",
            asked=NOW,
            done=NOW,
            destroyed=("a" * 64,),
        )
        document = encode(told)
        return Signed(document=document, signature=self.key.sign(RECALL_CONTEXT, document))

    async def shown_key(self) -> str:
        return str((self.shown or self.key).public)


class Host:
    """One machine with objects in the states that a test gives them."""

    def __init__(self, folder: Path, keys: KeyRing) -> None:
        (folder / "journal").mkdir()
        self.folder = folder
        self.ledger = MemorySpoolLedger()
        self.spool = Spool(folder / "spool", self.ledger, keys, max_bytes=2**20, reserve_bytes=0)
        self.journal = Journal(folder / "journal")
        self.kept = RetainStore(folder / "retained", keys, max_bytes=2**20, seconds=3600)
        self.scopes = True
        self.woken = 0
        self.queue = Queue(SigningKey.create(folder / "queue.key"))
        self.recaller = Recaller(
            spool=self.spool,
            journal=self.journal,
            consents=cast("Any", SimpleNamespace(load=self.consent)),
            kept=self.kept,
            clock=Clock(),
            on_wish=self.wake,
        )

    def consent(self) -> object:
        if not self.scopes:
            raise ConsentError("it counts as absent")
        return SimpleNamespace(scopes={"reputation"})

    def wake(self) -> None:
        self.woken += 1

    def add(self, state: ObjectState, *kinds: str, follows: str | None = None) -> str:
        event_id = str(uuid.uuid4())
        record = ObjectRecord(event_id, state, NOW, NOW, 0, Reason.DETECTION, follows=follows)
        if state is ObjectState.SPOOLED:
            self.ledger.add(record, Waiting(event_id, b"{}", (), frozenset({Scope.REPUTATION}), STATEMENT, attempts=0))
        else:
            self.spool.record(record)
        for kind in kinds:
            self.journal.append(kind, event_id, NOW, {})
        return event_id

    def delivered(self, follows: str | None = None) -> str:
        return self.add(ObjectState.DELIVERED, "permitted", "offered", "delivered", follows=follows)

    def recall(self, event_id: str) -> dict[str, str]:
        """How far each of the family is."""
        return {each.id: each.standing for each in self.recaller.recall(self.recaller.family(event_id), None)}

    def state(self, event_id: str) -> ObjectState:
        record = self.spool.get(event_id)
        assert record is not None
        return record.state

    def kinds(self, event_id: str) -> list[str]:
        return [entry.kind for entry in self.journal.entries(event_id)]

    def follower(self) -> RecallFollower:
        recalls = SimpleNamespace(recall=self.queue.recall)
        link = SimpleNamespace(recalls=recalls, receipts=SimpleNamespace(key=self.queue.shown_key))
        pin = PinnedKey(self.folder / "receipt.pub")
        return RecallFollower(self.recaller, cast("Any", link), pin, DEVICE, lambda: 0.5, asyncio.Event())


@pytest.fixture
def host(tmp_path: Path, keys: KeyRing) -> Iterator[Host]:
    made = Host(tmp_path, keys)
    yield made
    made.journal.close()
    made.spool.close()


def test_what_waits_for_approval_is_stopped(host: Host) -> None:
    """The queue never hears of it, and the journal has that somebody wished it."""
    held = host.add(ObjectState.HELD, "held")
    assert host.recall(held) == {held: "stopped"}
    assert (host.state(held), host.woken) == (ObjectState.RECALLED, 0)
    assert host.kinds(held) == ["held", "recall_asked"]
    assert host.spool.wishes(9) == ()
    assert host.recall(held) == {held: "stopped"}


def test_what_was_made_of_it_goes_with_it(host: Host) -> None:
    """From any of them: the first, what a person approved of it and was delivered, what still waits, an answer."""
    first = host.delivered()
    approved, waiting = host.delivered(follows=first), host.add(ObjectState.HELD, "held", follows=first)
    answer = host.delivered(follows=first)
    later = host.add(ObjectState.SPOOLED, "permitted", follows=answer)
    for member in (first, approved, waiting, answer, later):
        family = [record.event_id for record in host.recaller.family(member)]
        assert (family[0], set(family)) == (first, {first, approved, waiting, answer, later})
    assert host.recall(waiting) == {
        first: "asked", approved: "asked", waiting: "stopped", answer: "asked", later: "stopped",
    }  # fmt: skip
    assert {wish.event_id for wish in host.spool.wishes(9)} == {first, approved, answer}


def test_objects_that_follow_each_other_end(host: Host) -> None:
    """A circle, which no agent makes, is no endless family."""
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    for event_id, follows in ((one, two), (two, one)):
        host.spool.record(ObjectRecord(event_id, ObjectState.DELIVERED, NOW, NOW, 0, Reason.DETECTION, follows=follows))
    assert {record.event_id for record in host.recaller.family(one)} == {one, two}


def test_nobody_knows_it(host: Host) -> None:
    """What was never flagged here has no family."""
    assert host.recaller.family(str(uuid.uuid4())) == ()


def test_a_wish_is_kept_once(host: Host) -> None:
    """Asked again, it is the same wish, and the journal has it once."""
    sent = host.delivered()
    assert [host.recall(sent) for _ in range(3)] == [{sent: "asked"}] * 3
    assert host.kinds(sent).count("recall_asked") == 1
    assert len(host.spool.wishes(9)) == 1


def test_what_never_left_is_left_alone(host: Host) -> None:
    """A refused object is as it was, and nothing is noted of it."""
    refused = host.add(ObjectState.REFUSED, "refused")
    assert host.recall(refused) == {refused: "untouched"}
    assert (host.state(refused), host.kinds(refused)) == (ObjectState.REFUSED, ["refused"])


def test_what_was_offered_has_left(host: Host) -> None:
    """Though it still waits, some of it may be at the queue, which is asked."""
    offered = host.add(ObjectState.SPOOLED, "permitted", "offered")
    assert host.recall(offered) == {offered: "asked"}
    assert host.woken == 1


def test_what_the_journal_has_forgotten_counts_as_sent(host: Host) -> None:
    """Where its entries were removed for their age, the queue is asked to be sure."""
    old = host.add(ObjectState.SPOOLED, "permitted")
    for week in range(1, 9):
        host.journal.append("quiet", "", NOW + timedelta(days=7 * week), {})
    assert host.journal.tend(NOW + timedelta(days=60), timedelta(days=30))
    assert host.recall(old) == {old: "asked"}


def test_what_cannot_be_noted_is_not_done(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal on a full disk stops it before anything changed."""
    held = host.add(ObjectState.HELD, "held")

    def full(descriptor: int, data: object) -> int:
        raise OSError(28, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(JournalError):
            host.recall(held)
    assert host.state(held) is ObjectState.HELD


def test_without_a_consent_that_is_the_cause(host: Host) -> None:
    """A person who recalls after a withdrawal, or with a damaged consent, says no more than that there is none."""
    host.scopes = False
    sent = host.delivered()
    host.recall(sent)
    (wish,) = host.spool.wishes(9)
    assert wish.cause == "consent"


def test_followers_of_what_was_taken_back_do_not_leave(host: Host) -> None:
    """An approval or an answer that comes too late finds that its object was taken back."""
    first = host.delivered()
    held = host.add(ObjectState.HELD, "held", follows=first)
    later = host.add(ObjectState.SPOOLED, follows=held)
    assert why_taken_back(host.spool, later) is None
    host.spool.take_back(first, None, detail="", now=NOW)
    assert why_taken_back(host.spool, later) == f"{first} was taken back"


async def test_a_confirmation_ends_the_wish(host: Host) -> None:
    """The journal has what was signed, the object says so, and nobody is asked again."""
    sent = host.delivered()
    host.recall(sent)
    seconds = [await host.follower().follow_once() for _ in range(2)]
    assert host.queue.asked == [(sent, "person")]
    assert host.kinds(sent)[-1] == "recall_confirmed"
    assert host.recall(sent) == {sent: "confirmed"}
    assert seconds == [60.0, 60.0]


async def test_what_never_left_is_not_told(host: Host) -> None:
    """A wish that a crash left behind for something that never left is dropped, and the queue never hears of it."""
    held = host.add(ObjectState.HELD, "held")
    host.recall(held)
    assert await host.follower().follow_once() == 60.0
    assert host.queue.asked == []


async def test_one_that_fails_holds_up_no_other(host: Host) -> None:
    """It is tried again later and later, and the others are delivered meanwhile."""
    first, second = host.delivered(), host.delivered()
    host.recall(first)
    host.recall(second)
    host.queue.unreachable = frozenset({first})
    follower = host.follower()
    waits = [await follower.follow_once() for _ in range(4)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] < 60.0
    assert [wish.event_id for wish in host.spool.wishes(9)] == [first]
    host.queue.unreachable = frozenset()
    assert await follower.follow_once() == 60.0
    assert host.spool.wishes(9) == ()


async def test_a_confirmation_that_is_not_the_queues(host: Host, tmp_path: Path) -> None:
    """Signed by another key than the one of the enrolment, it ends nothing and is not in the journal."""
    sent = host.delivered()
    host.recall(sent)
    PinnedKey(host.folder / "receipt.pub").pin(SigningKey.create(tmp_path / "other.key").public)
    assert await host.follower().follow_once() < 60.0
    assert host.recall(sent) == {sent: "asked"}
    assert "recall_confirmed" not in host.kinds(sent)


async def test_a_confirmation_about_something_else(host: Host) -> None:
    """One that the queue signed for another submission does not count for this one."""
    sent = host.delivered()
    host.recall(sent)
    host.queue.about = str(uuid.UUID(int=9))
    await host.follower().follow_once()
    assert host.recall(sent) == {sent: "asked"}


def test_what_is_checked_of_a_confirmation(tmp_path: Path) -> None:
    """Signature, form, submission and host, in this order; each failure says what is wrong."""
    key = SigningKey.create(tmp_path / "key")
    told = RecallConfirmation(submission=DEVICE, device=DEVICE, cause="person", asked=NOW, done=NOW)

    def signed(document: bytes, context: str = RECALL_CONTEXT) -> Signed:
        return Signed(document=document, signature=key.sign(context, document))

    sound = signed(encode(told))
    assert checked(key.public, sound, submission=DEVICE, device=DEVICE) == told
    for wrong, said in (
        (signed(encode(told), "sampler receipt"), "is not signed by the key"),
        (Signed(document=encode(told) + b" ", signature=sound.signature), "is not signed by the key"),
        (signed(b"{}"), "cannot be read"),
    ):
        with pytest.raises(QueueFaulty, match=said):
            checked(key.public, wrong, submission=DEVICE, device=DEVICE)
    with pytest.raises(QueueFaulty, match="is about"):
        checked(key.public, sound, submission=DEVICE, device=str(uuid.UUID(int=8)))


async def test_a_new_wish_is_told_at_once(host: Host) -> None:
    """The follower does not sleep through it."""
    sent = host.delivered()
    follower = host.follower()
    running = asyncio.create_task(follower.run())
    try:
        host.recall(sent)
        follower.wished.set()
        async with asyncio.timeout(30):
            while host.recall(sent) != {sent: "confirmed"}:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    assert host.queue.asked == [(sent, "person")]
