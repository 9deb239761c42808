"""A host and its queue's receipts: what holds is kept once, and every lie that we can think of is caught."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from sampler.agent.receipt_log import BelievedLog
from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.receipt_sent import SentBook
from sampler.agent.receipt_standing import StandingFile
from sampler.agent.receipt_verifying import VERIFIED_KINDS, Verifying
from sampler.agent.receipts import ReceiptFollower
from sampler.errors import QueueRefused, QueueUnreachable, ReceiptError
from sampler.identity import SigningKey
from sampler.journal import Journal, JournalEntry, JournalReader
from sampler.model import Content, Scope, StatementRef, Waiting
from sampler.queue.log_tree import NodePlace, appended, consistency, inclusion, root
from sampler.upload import ReceiptLink
from sampler.wire.codec import encode
from sampler.wire.messages import StatementMessage
from sampler.wire.receipt_messages import (
    HEAD_CONTEXT,
    RECEIPT_CONTEXT,
    LogProof,
    Receipt,
    ReceiptPage,
    ReceivedContent,
    Signed,
    TreeHead,
)

DEVICE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def submission_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def manifest_of(number: int) -> bytes:
    contents = [{"sha256": f"{number:064x}", "size": number}]
    return json.dumps({"id": submission_id(number), "contents": contents}, separators=(",", ":")).encode()


def waiting(number: int) -> Waiting:
    ref = StatementRef("basic", 1, "0" * 64)
    content = Content(f"{number:064x}", number, 0)
    return Waiting(submission_id(number), manifest_of(number), (content,), frozenset(Scope), ref, attempts=0)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass
class FakeQueue(ReceiptLink):
    """A queue with a log, which a test makes lie."""

    signer: SigningKey
    shown_key: str = ""
    signed: list[Signed] = field(default_factory=list)
    nodes: dict[NodePlace, bytes] = field(default_factory=dict)
    fault: Exception | None = None
    """Raised in place of proofs."""
    asked: list[str] = field(default_factory=list)

    def add(self, number: int, *, sign_as: str = RECEIPT_CONTEXT, **changes: Any) -> Signed:
        """Acknowledge a submission, perhaps with a lie."""
        receipt = Receipt(
            submission=submission_id(number),
            device=DEVICE,
            manifest=hashlib.sha256(manifest_of(number)).hexdigest(),
            contents=(ReceivedContent(sha256=f"{number:064x}", size=number),),
            received=NOW,
            position=len(self.signed),
            statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        )
        document = encode(changed(receipt, **changes))
        return self.append(Signed(document=document, signature=self.signer.sign(sign_as, document)))

    def append(self, signed: Signed) -> Signed:
        self.nodes.update(appended(signed.document, len(self.signed), self.node))
        self.signed.append(signed)
        return signed

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    async def page(self, after: int, wait: float) -> ReceiptPage:
        self.asked.append(f"page {after}")
        return ReceiptPage(receipts=tuple(self.signed[after:]), cursor=max(after, len(self.signed)))

    async def key(self) -> str:
        return self.shown_key or str(self.signer.public)

    async def head(self) -> Signed:
        self.asked.append("head")
        size = len(self.signed)
        document = encode(TreeHead(size=size, root=root(size, self.node).hex(), time=NOW))
        return Signed(document=document, signature=self.signer.sign(HEAD_CONTEXT, document))

    async def consistency(self, first: int, second: int) -> LogProof:
        if self.fault is not None:
            raise self.fault
        return LogProof(nodes=consistency(first, second, self.node))

    async def inclusion(self, position: int, size: int) -> LogProof:
        if self.fault is not None:
            raise self.fault
        return LogProof(nodes=inclusion(position, size, self.node))


@dataclass
class Host:
    """A host with its journal, in a folder."""

    folder: Path
    queue: FakeQueue
    clock: HandClock
    journal: Journal
    device: str = DEVICE

    def __post_init__(self) -> None:
        self.restart()

    @property
    def pin(self) -> PinnedKey:
        return PinnedKey(self.folder / "receipt.pub")

    @property
    def file(self) -> StandingFile:
        return StandingFile(self.folder / "receipts" / "standing.json")

    def restart(self) -> None:
        """Forget what only the process knows."""
        self.sent = SentBook(JournalReader(self.folder))
        self.follower = ReceiptFollower(
            BelievedLog(self.queue, self.pin), self.journal, self.sent, self.file, self.device, self.clock, lambda: 0.5
        )

    def offer(self, *numbers: int, remembered: bool = True, digest: bool = True) -> None:
        for number in numbers:
            manifest = manifest_of(number)
            document: dict[str, Any] = {"manifest": json.loads(manifest)}
            if digest:
                document["manifest_sha256"] = hashlib.sha256(manifest).hexdigest()
            if remembered:
                self.sent.note(waiting(number))
            self.journal.append("offered", submission_id(number), NOW, document)

    def entries(self, kind: str) -> list[JournalEntry]:
        return [entry for entry in self.journal.entries() if entry.kind == kind]

    def codes(self) -> list[str]:
        return [entry.document["code"] for entry in self.entries("receipt_refused")]

    def verified(self) -> Verifying:
        run = Verifying(self.pin.load())
        run.follow(entry for entry in self.journal.entries() if entry.kind in VERIFIED_KINDS)
        return run


@pytest.fixture
def queue(tmp_path: Path) -> FakeQueue:
    return FakeQueue(SigningKey.create(tmp_path / "receipt.key"))


@pytest.fixture
def host(tmp_path: Path, queue: FakeQueue) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    with Journal(folder) as journal:
        yield Host(folder, queue, HandClock(), journal)


async def test_what_holds_is_journaled_with_all_that_checks_it(host: Host, queue: FakeQueue) -> None:
    """Receipts are followed page by page, each is written down once, and the journal alone can check them anew."""
    host.offer(1, 2)
    queue.add(1)
    assert await host.follower.follow_once() == 0.0
    queue.add(2)
    assert await host.follower.follow_once() == 0.0
    assert await host.follower.follow_once() > 0.0
    assert [entry.event_id for entry in host.entries("receipt")] == [submission_id(1), submission_id(2)]
    assert (host.entries("receipt_refused"), host.follower.status()) == ([], "2 held")
    run = host.verified()
    assert (run.held, run.unmatched, run.lacking, run.faults) == (2, 0, 0, [])


@pytest.mark.parametrize("digest", [True, False])
async def test_offers_from_before_the_start_are_read_from_the_journal(
    host: Host, queue: FakeQueue, digest: bool
) -> None:
    """Also entries of an older version, which have the manifest and not its digest."""
    host.offer(1, 2, remembered=False, digest=digest)
    queue.add(1)
    queue.add(2)
    await host.follower.follow_once()
    assert (len(host.entries("receipt")), host.codes()) == (2, [])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"manifest": "f" * 64}, "manifest"),
        ({"contents": ()}, "contents"),
        ({"contents": (ReceivedContent(sha256=f"{1:064x}", size=2),)}, "contents"),
        ({"submission": submission_id(9)}, "unsent"),
        ({"device": OTHER}, "device"),
        ({"position": 7}, "not-in-log"),
        ({"sign_as": HEAD_CONTEXT}, "signature"),
    ],
)
async def test_a_receipt_that_says_something_else(
    host: Host, queue: FakeQueue, changes: dict[str, Any], code: str
) -> None:
    """Each lie has its name; it is journaled once, told of, and the next receipt is looked at all the same."""
    host.offer(1, 2)
    queue.add(1, **changes)
    queue.add(2)
    await host.follower.follow_once()
    await host.follower.follow_once()
    assert host.codes() == [code]
    assert [entry.event_id for entry in host.entries("receipt")] == [submission_id(2)]
    assert host.follower.status().startswith("ALARM: 1 receipts do not hold")
    assert len(host.verified().faults) == 1
    host.restart()
    assert host.follower.status().startswith("ALARM")


@pytest.mark.parametrize("document", [b"", b"{}", b"\xff\xfe", b'{"schema":"sampler.receipt/2"}'])
async def test_what_is_no_receipt(host: Host, queue: FakeQueue, document: bytes) -> None:
    """Whatever bytes the queue signed, they are kept and named."""
    queue.append(Signed(document=document, signature=queue.signer.sign(RECEIPT_CONTEXT, document)))
    await host.follower.follow_once()
    assert host.codes() == ["unreadable"]


async def test_a_receipt_that_is_not_in_the_log(host: Host, queue: FakeQueue) -> None:
    """Signed, true, and left out of what everybody else is shown."""
    host.offer(1)
    queue.add(1)
    queue.nodes[0, 0] = bytes(32)
    await host.follower.follow_once()
    assert host.codes() == ["not-in-log"]


async def test_proofs_that_are_refused(host: Host, queue: FakeQueue) -> None:
    """A queue that will not prove what it signed is caught as one that cannot."""
    host.offer(1)
    queue.add(1)
    queue.fault = QueueRefused("no", 422)
    await host.follower.follow_once()
    assert host.codes() == ["no-proof"]


async def test_a_queue_that_is_away_is_no_liar(host: Host, queue: FakeQueue) -> None:
    """What a broken line brings is tried again, and is no alarm."""
    host.offer(1)
    queue.add(1)
    queue.fault = QueueUnreachable("away")
    assert await host.follower.follow_once() > 0
    assert (host.codes(), host.follower.status()) == ([], "postponed: away")
    queue.fault = None
    await host.follower.follow_once()
    assert (len(host.entries("receipt")), host.follower.status()) == (1, "1 held")


def shrink(queue: FakeQueue) -> None:
    queue.signed.clear()
    queue.nodes.clear()


def fork(queue: FakeQueue) -> None:
    shrink(queue)
    queue.add(1, received=NOW + timedelta(seconds=1))
    queue.add(2)


def swap(queue: FakeQueue) -> None:
    shrink(queue)
    queue.add(1, received=NOW + timedelta(seconds=1))


def exchange_key(queue: FakeQueue) -> None:
    queue.shown_key = "A" * 43 + "="


@pytest.mark.parametrize(
    ("lie", "code"), [(shrink, "shrunk"), (fork, "forked"), (swap, "forked"), (exchange_key, "key")]
)
async def test_a_log_that_is_another_one(
    host: Host, queue: FakeQueue, lie: Callable[[FakeQueue], None], code: str
) -> None:
    """It is journaled once with the heads that prove it, stands in the status, and nothing is believed meanwhile."""
    host.offer(1, 2)
    queue.add(1)
    await host.follower.follow_once()
    before = host.file.read()
    host.restart()
    lie(queue)
    for _ in range(3):
        assert await host.follower.follow_once() > 1
    assert host.codes() == [code]
    (entry,) = host.entries("receipt_refused")
    assert "seen" in entry.document
    assert host.follower.status().startswith("ALARM: the queue's")
    after = host.file.read()
    assert before is not None
    assert after is not None
    assert (after.head, after.cursor) == (before.head, before.cursor)
    assert len(host.entries("receipt")) == 1


async def test_a_log_that_is_put_right_is_followed_again(host: Host, queue: FakeQueue) -> None:
    """An operator who restored the wrong backup, and then the right one; the journal keeps that it happened."""
    host.offer(1, 2)
    queue.add(1)
    await host.follower.follow_once()
    signed, nodes = list(queue.signed), dict(queue.nodes)
    shrink(queue)
    host.restart()
    await host.follower.follow_once()
    queue.signed, queue.nodes = signed, nodes
    queue.add(2)
    await host.follower.follow_once()
    assert (host.codes(), host.follower.status()) == (["shrunk"], "2 held")


async def test_a_crash_before_the_cursor_was_kept(host: Host, queue: FakeQueue) -> None:
    """What is in the journal already is not written again."""
    host.offer(1, 2, 3)
    queue.add(1)
    queue.add(2, manifest="f" * 64)
    await host.follower.follow_once()
    host.file.path.unlink()
    host.restart()
    queue.add(3)
    await host.follower.follow_once()
    assert [entry.event_id for entry in host.entries("receipt")] == [submission_id(1), submission_id(3)]
    assert host.codes() == ["manifest"]


async def test_a_standing_that_cannot_be_kept(host: Host, queue: FakeQueue) -> None:
    """The disk fails after the receipt was journaled: it is told of, and the receipt stays the only one."""
    host.offer(1)
    queue.add(1)
    host.file.path.parent.touch()
    await host.follower.follow_once()
    assert host.follower.status().startswith("ALARM")
    host.file.path.parent.unlink()
    await host.follower.follow_once()
    assert len(host.entries("receipt")) == 1


async def test_a_damaged_standing_is_an_alarm(host: Host, queue: FakeQueue) -> None:
    """It is not begun anew behind the owner's back: a head that was seen is what a fork is told by."""
    host.file.path.parent.mkdir()
    host.file.path.write_text('{"key": 1}')
    assert await host.follower.follow_once() > 1
    assert "cannot be read" in host.follower.status()
    with pytest.raises(ReceiptError, match="remove it"):
        host.file.load("key")


async def test_the_first_key_is_pinned(host: Host, queue: FakeQueue) -> None:
    """A host that was enrolled before there were receipts believes what it sees first, and only that."""
    await host.follower.follow_once()
    assert host.pin.load() == queue.signer.public


async def test_a_new_enrolment_begins_anew(host: Host, queue: FakeQueue, tmp_path: Path) -> None:
    """Another queue has another key and another log: nothing of the former one is held against it."""
    host.offer(1, 2)
    queue.add(1)
    await host.follower.follow_once()
    shrink(queue)
    queue.signer = SigningKey.create(tmp_path / "other.key")
    host.pin.pin(queue.signer.public)
    host.restart()
    queue.add(2)
    await host.follower.follow_once()
    assert (host.codes(), host.follower.status()) == ([], "1 held")


async def test_heads_are_looked_at_without_receipts_too(host: Host, queue: FakeQueue) -> None:
    """Now and then, and at once after a start, but not with each empty page."""
    for _ in range(3):
        await host.follower.follow_once()
    assert queue.asked.count("head") == 1
    host.clock.moment += timedelta(minutes=11)
    await host.follower.follow_once()
    assert queue.asked.count("head") == 2


async def test_a_cursor_that_stands_still(host: Host, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that would have the same page asked for for ever is not followed in a tight loop."""
    host.offer(1)
    signed = queue.add(1)

    async def page(self: FakeQueue, after: int, wait: float) -> ReceiptPage:
        return ReceiptPage(receipts=(signed,), cursor=after)

    monkeypatch.setattr(FakeQueue, "page", page)
    assert await host.follower.follow_once() > 0
    assert "cursor goes from 0 to 0" in host.follower.status()
    assert host.entries("receipt") == []


async def test_verifying_notices_every_change(host: Host, queue: FakeQueue) -> None:
    """Offline: another key, another object's receipt, a receipt without its offer, a bent proof, no receipt at all."""
    host.offer(1, 2)
    queue.add(1)
    queue.add(2)
    await host.follower.follow_once()
    entries = list(host.journal.entries())
    first = next(entry for entry in entries if entry.kind == "receipt")

    def faults(*changed_entries: JournalEntry) -> list[str]:
        run = Verifying(queue.signer.public)
        run.follow(changed_entries)
        return run.faults

    assert faults(*entries) == []
    for change, said in (
        ({"key": "A" * 43 + "="}, "it was checked with key"),
        ({"key": "x"}, "not a public key"),
        ({"inclusion": ["00" * 32]}, "is not at 0"),
        ({"inclusion": 1}, "no receipt"),
        ({"receipt": first.document["receipt"].replace("basic", "other")}, "not signed"),
    ):
        (fault,) = faults(*entries[:2], replace(first, document={**first.document, **change}))
        assert said in fault
    assert "its receipt is for" in faults(replace(first, event_id=submission_id(2)))[0]
    delivered = [replace(entry, kind="delivered") for entry in entries[:2]]
    run = Verifying(None)
    run.follow([*entries[:2], *delivered, first])
    assert (run.held, run.lacking, run.faults) == (1, 1, [])
    run.follow([replace(delivered[1], kind="recall_confirmed")])
    assert run.lacking == 0
    run.follow([first])
    assert run.unmatched == 1


def test_only_so_many_offers_are_remembered(host: Host) -> None:
    """Memory is bounded; what fell out is found in the journal."""
    host.sent.most = 2
    host.offer(1, 2, 3)
    known = host.sent.look_up([submission_id(1), submission_id(3)], thorough=False)
    assert set(known.sent) == {submission_id(1), submission_id(3)}
    assert known.sent[submission_id(1)].manifest == hashlib.sha256(manifest_of(1)).hexdigest()
