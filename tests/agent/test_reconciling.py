"""Each thing that can be broken by hand is broken, and named; what an agent at work leaves in between is not."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

import pytest

from sampler.agent.receipt_standing import Standing, StandingFile, Trouble
from sampler.agent.reconciling import Reconciler
from sampler.errors import QueueFaulty
from sampler.journal import Journal, JournalReader
from sampler.model import Content, ObjectRecord, ObjectState, Reason, Scope, StatementRef, SubmissionState, Waiting
from sampler.runtime.clock import SystemClock
from sampler.runtime.key_ring import KeyRing
from sampler.spool import Booked, ContentFolder, Wish
from sampler.storage.sqlite_spool import SqliteSpoolLedger
from sampler.upload import RecallLink
from sampler.wire.messages import ObjectMessage, SubmissionView
from sampler.wire.recall_messages import SubmissionLine, SubmissionPage
from sampler.wire.reconcile_messages import Difference

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
BYTES = b"bytes that wait"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@dataclass(slots=True)
class Queue:
    """What the queue says that it has of this host; stands in for a link to one."""

    lines: dict[str, SubmissionLine] = field(default_factory=dict)
    page_count: int = 2
    backwards: bool = False

    async def page(self, after: str | None) -> SubmissionPage:
        ids = sorted((each for each in self.lines if each > (after or "")), reverse=self.backwards)
        shown = tuple(self.lines[each] for each in ids[: self.page_count])
        return SubmissionPage(submissions=shown, after=shown[-1].id if len(ids) > self.page_count else None)

    async def one(self, submission_id: str) -> SubmissionView | Literal["recalled", "unknown"]:
        line = self.lines.get(submission_id)
        if line is None or line.state is SubmissionState.RECALLED:
            return "unknown" if line is None else "recalled"
        whole = ObjectMessage(sha256=SHA256, size=len(BYTES))
        missing = [SHA256] * line.missing
        return SubmissionView(id=line.id, state=line.state, received=line.received, object=whole, missing=missing)


class Host:
    """The records of one host, and the queue's, all of them in agreement as they are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("journal", "contents", "retained", "held"):
            (folder / name).mkdir()
        self.ledger = SqliteSpoolLedger(folder / "ledger.sqlite")
        self.journal = Journal(folder / "journal")
        self.receipts = StandingFile(folder / "receipts" / "standing.json")
        self.queue = Queue()
        self.keys = KeyRing(folder / "keys")
        self.keys.rotate(NOW, timedelta(days=1))
        self.contents = ContentFolder(folder / "contents", self.keys)

    def note(self, kind: str, event_id: str, **document: object) -> None:
        self.journal.append(kind, event_id, NOW, document)

    def content_file(self) -> Path:
        return self.folder / "contents" / SHA256[:2] / f"{SHA256}.sealed"

    def add(self, state: ObjectState, *kinds: str, waits: bool = False) -> str:
        """An object in this state, with these entries of the journal."""
        event_id = str(uuid.uuid4())
        manifest = json.dumps({"id": event_id, "contents": [{"sha256": SHA256, "size": len(BYTES)}]}).encode()
        record = ObjectRecord(event_id, state, NOW, NOW, 0, Reason.DETECTION, sha256=SHA256, size=len(BYTES))
        statement = StatementRef("basic", 1, "0" * 64)
        content = Content(SHA256, len(BYTES), 0)
        waiting = Waiting(event_id, manifest, (content,), frozenset({Scope.WHOLE}), statement, attempts=0)
        self.ledger.add(record, waiting if waits else None)
        if waits:
            self.contents.write(content, lambda _content: [BYTES])
        for kind in kinds:
            told = {"manifest": json.loads(manifest), "manifest_sha256": hashlib.sha256(manifest).hexdigest()}
            self.note(kind, event_id, **(told if kind == "offered" else {}))
        if "delivered" in kinds:
            digest = hashlib.sha256(manifest).hexdigest()
            self.queue.lines[event_id] = SubmissionLine(
                id=event_id, state=SubmissionState.QUEUED, received=NOW, manifest=digest
            )
        return event_id

    def delivered(self) -> str:
        return self.add(ObjectState.DELIVERED, "permitted", "offered", "delivered")

    def spooled(self) -> str:
        return self.add(ObjectState.SPOOLED, "permitted", waits=True)

    def holding(self) -> str:
        """An object that waits for approval, with its bytes."""
        event_id = self.add(ObjectState.HELD, "held")
        self.held_file(event_id).write_bytes(b"sealed")
        return event_id

    def held_file(self, event_id: str) -> Path:
        return self.folder / "held" / f"{event_id}.sealed"

    def break_ledger(self, sql: str, *values: object) -> None:
        """What a person with an editor could do."""
        with sqlite3.connect(self.folder / "ledger.sqlite") as database:
            database.execute(sql, values)
        database.close()

    def reconciler(self) -> Reconciler:
        folder = self.folder
        journal = JournalReader(folder / "journal")
        return Reconciler(
            books=self.ledger,
            journal=journal,
            contents=self.contents,
            kept=folder / "retained",
            held=folder / "held",
            receipts=self.receipts,
            clock=SystemClock(),
            verify=journal.verify,
        )

    async def differences(self) -> list[Difference]:
        reconciler = self.reconciler()
        local = [each async for each in reconciler.local()]
        return local + [each async for each in reconciler.queue(cast(RecallLink, self.queue))]

    async def codes(self) -> list[tuple[str, str, str]]:
        return sorted((each.where, each.code, each.id) for each in await self.differences())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.ledger.close()
    made.journal.close()


async def test_all_is_accounted_for(host: Host) -> None:
    """Objects in every state, with what the journal and the queue have of each: nothing is named."""
    for _ in range(3):
        host.delivered()
        host.spooled()
    host.add(ObjectState.DUPLICATE, "permitted", "offered", "delivered")
    host.add(ObjectState.REJECTED, "permitted", "offered", "refused")
    host.add(ObjectState.REFUSED, "refused")
    for state in (ObjectState.VANISHED, ObjectState.FAILED, ObjectState.OVERSIZE, ObjectState.UNREADABLE):
        host.add(state)
    assert await host.differences() == []


async def test_what_a_crash_leaves_is_no_difference(host: Host) -> None:
    """Permitted and never acknowledged; delivered and not yet written down as ended: both heal by themselves."""
    host.note("permitted", str(uuid.uuid4()))
    event_id = host.add(ObjectState.SPOOLED, "permitted", "offered", "delivered", waits=True)
    host.note("offered", event_id, manifest={}, manifest_sha256=host.queue.lines[event_id].manifest)
    assert await host.differences() == []


async def test_a_row_that_is_gone(host: Host) -> None:
    """The journal and the queue still know it."""
    event_id = host.delivered()
    host.break_ledger("DELETE FROM objects WHERE event_id = ?", event_id)
    assert await host.codes() == [("ledger", "unknown", event_id), ("ledger", "unknown-submission", event_id)]


async def test_a_row_in_two_states(host: Host) -> None:
    """Listed as one thing and recorded as another."""
    event_id = host.delivered()
    host.break_ledger("UPDATE objects SET state = 'refused' WHERE event_id = ?", event_id)
    assert await host.codes() == [("ledger", "two-states", event_id)]


async def test_what_ended_and_still_waits(host: Host) -> None:
    """An object that was refused has no business in the spool."""
    event_id = host.add(ObjectState.REFUSED, "refused", waits=True)
    assert await host.codes() == [("ledger", "ended-and-waits", event_id)]


async def test_nothing_to_deliver(host: Host) -> None:
    """What it needs to be delivered was deleted; the bytes that are left belong to nobody."""
    event_id = host.spooled()
    host.break_ledger("DELETE FROM waiting")
    host.break_ledger("DELETE FROM needed_contents")
    assert await host.codes() == [("ledger", "nothing-waits", event_id), ("spool", "needless", SHA256)]


async def test_a_content_that_is_gone(host: Host) -> None:
    """Its file was removed."""
    host.spooled()
    host.content_file().unlink()
    assert await host.codes() == [("spool", "content-missing", SHA256)]


@pytest.mark.parametrize(
    "change",
    [
        lambda _sealed: b"other bytes, also",
        lambda _sealed: BYTES,
        lambda _sealed: b"",
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"!",
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
    ],
)
async def test_a_content_with_other_bytes(host: Host, change: Callable[[bytes], bytes]) -> None:
    """Changed, cut off or added to, and whatever else stands in its place: the file says so itself."""
    host.spooled()
    host.content_file().write_bytes(change(host.content_file().read_bytes()))
    assert await host.codes() == [("spool", "content-changed", SHA256)]


async def test_a_file_that_nobody_needs(host: Host) -> None:
    """Bytes that no object waits with."""
    stray = host.folder / "contents" / "aa"
    stray.mkdir()
    (stray / ("a" * 64)).write_bytes(b"x")
    assert await host.codes() == [("spool", "needless", "a" * 64)]


async def test_a_snapshot_of_an_unknown_object(host: Host) -> None:
    """Kept for further asks, with no object that could be asked about."""
    event_id = str(uuid.uuid4())
    (host.folder / "retained" / f"{event_id}.sealed").write_bytes(b"x")
    assert await host.codes() == [("kept", "needless", event_id)]


async def test_held_bytes_that_are_gone(host: Host) -> None:
    """It waits for approval, and what would be approved was removed."""
    lost, _ = host.holding(), host.holding()
    host.held_file(lost).unlink()
    assert await host.codes() == [("held", "content-missing", lost)]


async def test_held_bytes_that_nobody_decides_about(host: Host) -> None:
    """Of an unknown object, and of one that was denied; not of one that is written at this moment."""
    unknown, denied = str(uuid.uuid4()), host.add(ObjectState.REFUSED, "held", "denied")
    just_written = str(uuid.uuid4())
    for event_id in (unknown, denied, just_written):
        host.held_file(event_id).write_bytes(b"sealed")
    for event_id in (unknown, denied):
        os.utime(host.held_file(event_id), (0, 0))
    assert await host.codes() == sorted([("held", "needless", unknown), ("held", "needless", denied)])


async def test_each_difference_is_named_as_it_is_found(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is there before the rest was looked for."""
    host.spooled()
    host.content_file().unlink()
    looked: list[str] = []
    real = SqliteSpoolLedger.in_order

    def in_order(self: SqliteSpoolLedger, after: str, limit: int) -> tuple[Booked, ...]:
        looked.append(after)
        return real(self, after, limit)

    monkeypatch.setattr(SqliteSpoolLedger, "in_order", in_order)
    found = host.reconciler().local()
    assert (await anext(found)).code == "content-missing"
    assert looked == []
    assert [each async for each in found] == []
    assert looked


@pytest.mark.parametrize("lacking", ["permitted", "offered", "delivered"])
async def test_an_entry_that_never_was(host: Host, lacking: str) -> None:
    """Delivered, and the journal does not say so in full."""
    kinds = [kind for kind in ("permitted", "offered", "delivered") if kind != lacking]
    event_id = host.add(ObjectState.DELIVERED, *kinds)
    found = await host.codes()
    word = "approved" if lacking == "permitted" else lacking
    assert ("journal", f"no-{word}", event_id) in found


async def test_a_line_that_was_removed(host: Host) -> None:
    """The chain is broken, and the object it was about is named as well."""
    event_id = host.delivered()
    host.delivered()
    (written,) = (path for path in (host.folder / "journal").glob("*.jsonl"))
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(line for number, line in enumerate(lines) if number != 2))
    found = await host.codes()
    assert ("journal", "no-delivered", event_id) in found
    assert [each for each in found if each[:2] == ("journal", "damaged")]


async def test_what_the_journal_has_forgotten_is_not_missed(host: Host) -> None:
    """Files that were removed for their age take the entries of old objects along, and an entry of theirs says so."""
    old, keep = host.delivered(), timedelta(days=30)
    for week in range(1, 9):
        host.journal.append("quiet", "", NOW + timedelta(days=7 * week), {"since": week})
    assert host.journal.tend(NOW + timedelta(days=60), keep)
    assert [entry.kind for entry in JournalReader(host.folder / "journal").entries(old)] == []
    assert await host.differences() == []


async def test_a_beginning_that_somebody_removed_is_missed(host: Host) -> None:
    """Entries that are gone without an entry that says so are named, with the object they were about."""
    event_id = host.delivered()
    host.note("statistics", "", number=1)
    (written,) = (path for path in (host.folder / "journal").glob("*.jsonl"))
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[3:]))
    found = [(each.id, each.code) async for each in host.reconciler().local()]
    assert {(event_id, "no-offered"), ("", "damaged")} <= set(found)


async def test_the_queue_lost_it(host: Host) -> None:
    """The queue does not know what was delivered to it."""
    event_id = host.delivered()
    del host.queue.lines[event_id]
    assert await host.codes() == [("queue", "unknown", event_id)]


async def test_the_queue_has_something_else(host: Host) -> None:
    """Another manifest, or not all contents."""
    first, second = host.delivered(), host.delivered()
    lines = host.queue.lines
    lines[first] = SubmissionLine(id=first, state=SubmissionState.QUEUED, received=NOW, manifest="f" * 64)
    lines[second] = SubmissionLine(
        id=second, state=SubmissionState.RECEIVING, received=NOW, manifest=lines[second].manifest, missing=1
    )
    expected = [("queue", "contents-missing", second), ("queue", "manifest-differs", first)]
    assert await host.codes() == expected


async def test_manifests_that_were_exchanged(host: Host) -> None:
    """Each of two submissions has the other's manifest."""
    first, second = host.delivered(), host.delivered()
    lines = host.queue.lines
    one, two = lines[first].manifest, lines[second].manifest
    lines[first] = SubmissionLine(id=first, state=SubmissionState.QUEUED, received=NOW, manifest=two)
    lines[second] = SubmissionLine(id=second, state=SubmissionState.QUEUED, received=NOW, manifest=one)
    assert sorted(each.id for each in await host.differences()) == sorted([first, second])


async def test_the_queue_has_more(host: Host) -> None:
    """A submission under this host's name that this host never made."""
    for _ in range(5):
        host.delivered()
    stranger = str(uuid.uuid4())
    host.queue.lines[stranger] = SubmissionLine(
        id=stranger, state=SubmissionState.QUEUED, received=NOW, manifest="f" * 64
    )
    assert await host.codes() == [("ledger", "unknown-submission", stranger)]


async def test_refused_here_and_there(host: Host) -> None:
    """What was refused must not be on the queue."""
    event_id = host.add(ObjectState.REFUSED, "refused")
    host.queue.lines[event_id] = SubmissionLine(
        id=event_id, state=SubmissionState.QUEUED, received=NOW, manifest="f" * 64
    )
    assert await host.codes() == [("queue", "not-sent", event_id)]


async def test_recalls(host: Host) -> None:
    """Confirmed and still there; stopped half-way and still there; recalled there only; asked and not confirmed yet."""
    confirmed, half, there, asked = host.delivered(), host.delivered(), host.delivered(), host.delivered()
    for event_id in (confirmed, asked):
        host.note("recall_asked", event_id)
        host.ledger.take_back(event_id, Wish(event_id, "person", NOW), detail="", now=NOW)
    host.note("recall_confirmed", confirmed)
    host.ledger.end_wish(confirmed, confirmed=True, detail="", now=NOW)
    host.ledger.take_back(half, None, detail="", now=NOW)
    host.queue.lines[there] = SubmissionLine(id=there, state=SubmissionState.RECALLED, received=NOW)
    expected = [
        ("ledger", "recalled-there", there),
        ("queue", "left-behind", half),
        ("queue", "not-destroyed", confirmed),
    ]
    assert await host.codes() == expected
    for event_id in (confirmed, half):
        host.queue.lines[event_id] = SubmissionLine(id=event_id, state=SubmissionState.RECALLED, received=NOW)
    assert await host.codes() == [("ledger", "recalled-there", there)]


async def test_what_changes_meanwhile_is_looked_at_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that is delivered while pages are read is in both places at the second look."""
    known = host.delivered()
    late: list[str] = []
    real: Callable[[str | None], object] = host.queue.page

    async def page(self: Queue, after: str | None) -> SubmissionPage:
        late.append(host.delivered())
        return cast(SubmissionPage, await real(after))  # type: ignore[misc]  # it is the asynchronous one

    monkeypatch.setattr(Queue, "page", page)
    assert await host.differences() == []
    assert known in host.queue.lines
    assert late


async def test_a_queue_out_of_order(host: Host) -> None:
    """A listing that does not come in its order could go on for ever, and is not believed."""
    for _ in range(3):
        host.delivered()
    host.queue.backwards = True
    with pytest.raises(QueueFaulty, match="order"):
        await host.differences()


async def test_many_ranges(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ranges the identifiers are cut into, each object is compared once."""
    monkeypatch.setattr("sampler.agent.reconciling.RECONCILE_RANGE_MAX_COUNT", 2)
    monkeypatch.setattr("sampler.agent.reconciling._PAGE", 2)
    ids = [host.delivered() for _ in range(9)]
    stranger = str(uuid.UUID(int=1))
    host.queue.lines[stranger] = SubmissionLine(
        id=stranger, state=SubmissionState.QUEUED, received=NOW + timedelta(1), manifest="f" * 64
    )
    assert await host.codes() == [("ledger", "unknown-submission", stranger)]
    del host.queue.lines[ids[4]]
    assert ("queue", "unknown", ids[4]) in await host.codes()


async def test_receipts_that_do_not_hold(host: Host) -> None:
    """Ones that were refused, a log that forked, and a standing that cannot be read are each named; others are not."""
    host.delivered()
    host.receipts.save(Standing("key", confirmed=3))
    assert await host.codes() == []
    host.receipts.save(Standing("key", confirmed=3, refused=2, trouble=Trouble("forked", "it is another log")))
    assert await host.codes() == [("queue", "forked", ""), ("queue", "receipts-refused", "")]
    host.receipts.path.write_bytes(b"?")
    assert await host.codes() == [("queue", "standing", "")]
