from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sampler.errors import Conflict, Destroyed, NotFound, Recalled, RequestError, StorageError
from sampler.model import Conclusion, Scope, SubmissionState
from sampler.queue import Actor, AuditQuestion, Body, Queue, QueuePolicy, RetentionPolicy, RetentionRule
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.ask_messages import AskRequest
from sampler.wire.codec import encode
from sampler.wire.messages import (
    CompleteRequest,
    ContentMessage,
    LeaseRequest,
    Manifest,
    ObjectMessage,
    StatementMessage,
)
from sampler.wire.retention_messages import DueLine, HoldKind, HoldRequest, Part, RunAnswer
from sampler.wire.rollup_messages import Dimension
from sampler.wire.search_messages import SearchRequest

DAY = 86_400.0
OTHER = "22222222-2222-4222-8222-222222222222"
ONE, TWO = b"one", b"two"
LEA, MAX = Actor("lea", "admin", "*"), Actor("max", "admin", "*")


@pytest.fixture
def policy(policy: QueuePolicy) -> QueuePolicy:
    """Contents for 10 days, records for 20; benign ones for 2."""
    benign = RetentionRule(verdicts=(Conclusion.BENIGN,), contents_days=2)
    return replace(policy, retention=RetentionPolicy(10, 20, (benign,), settle_seconds=DAY))


@pytest.fixture
def bring(queue: Queue, device: str, body: Callable[..., Body]) -> Callable[..., Awaitable[str]]:
    """Submit bytes as a whole object, upload and index them; the submission's identifier."""

    async def run(data: bytes, *, by: str = device, days: int | None = None, upload: bool = True) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        manifest = Manifest(
            id=str(uuid.uuid4()),
            created=datetime(2026, 1, 2, tzinfo=UTC),
            object=ObjectMessage(sha256=sha256, size=len(data)),
            statement=StatementMessage(
                id="extended", version=1, digest="0" * 64, region="eu", retention_days=days, scopes=[Scope.WHOLE]
            ),
            fields={"event.reason": "detection", "file.mime_type": "text/plain"},
            matches=[{"rule.name": "A_Rule"}],
            contents=[ContentMessage(sha256=sha256, size=len(data))],
        )
        answer = await queue.submit(by, encode(manifest))
        for wanted in answer.wanted if upload else ():
            begun = await queue.create_upload(by, manifest.id, wanted, len(data))
            if not begun.finished:
                await queue.append(by, begun.id, 0, body(data))
        await _indexed(queue)
        return manifest.id

    return run


async def _indexed(queue: Queue) -> None:
    while await queue.index():
        pass


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def _readable(queue: Queue, data: bytes) -> bool:
    try:
        (await queue.open_content(_sha256(data))).close()
    except (NotFound, Recalled):
        return False
    return True


async def _conclude(queue: Queue, conclusion: Conclusion) -> None:
    lease = (await queue.lease(LeaseRequest(worker="w"))).lease
    assert lease is not None
    await queue.complete(
        lease.task.id, CompleteRequest(lease=lease.lease, conclusion=conclusion, score=1, analyzer="lab")
    )
    await _indexed(queue)


async def _settled(queue: Queue, clock: Any) -> None:
    """The rules have stood for as long as they have to."""
    await queue.retain()
    clock.advance(DAY)


async def test_contents_go_first_and_records_later(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], blobs: FolderBlobs
) -> None:
    """When contents are due their bytes go; the submission can be found until its own time is over."""
    one = await bring(ONE)
    await _settled(queue, clock)
    clock.advance(9 * DAY - 1)
    await queue.retain()
    assert await _readable(queue, ONE)
    clock.advance(1)
    await queue.retain()
    assert not await _readable(queue, ONE)
    assert not blobs.has(_sha256(ONE))
    await _indexed(queue)
    (hit,) = (await queue.search(SearchRequest(hash=_sha256(ONE)))).hits
    assert (hit.id, hit.contents_destroyed) == (one, clock.now())
    clock.advance(10 * DAY)
    await queue.retain()
    assert (await queue.search(SearchRequest())).hits == ()
    with pytest.raises(Destroyed, match=one):
        await queue.submission(None, one)


async def test_a_statement_and_a_verdict_shorten_the_time(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]
) -> None:
    """Contents go when the statement says so, and as soon as a rule is about their verdict."""
    await bring(ONE)
    await _conclude(queue, Conclusion.BENIGN)
    await bring(TWO, days=5)
    await _settled(queue, clock)
    clock.advance(DAY)
    await queue.retain()
    assert [await _readable(queue, data) for data in (ONE, TWO)] == [False, True]
    clock.advance(3 * DAY)
    await queue.retain()
    assert not await _readable(queue, TWO)


async def test_what_others_offer_stays_until_their_time(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]
) -> None:
    """A content goes with the last submission that offers it."""
    await bring(ONE)
    clock.advance(5 * DAY)
    await bring(ONE, by=OTHER)
    await _settled(queue, clock)
    clock.advance(5 * DAY)
    await queue.retain()
    assert await _readable(queue, ONE)
    clock.advance(5 * DAY)
    await queue.retain()
    assert not await _readable(queue, ONE)


async def test_a_dry_run_says_what_would_go_and_changes_nothing(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]
) -> None:
    """Now or at a later moment, with what says so, a page at a time."""
    one, two = await bring(ONE), await bring(TWO, days=5)
    received = clock.now()
    assert (await queue.due(Part.CONTENTS, None, None, 9)).lines == ()
    later = received + timedelta(days=10)
    first = await queue.due(Part.CONTENTS, later, None, 1)
    second = await queue.due(Part.CONTENTS, later, first.after, 9)
    assert [*first.lines, *second.lines] == [
        DueLine(
            submission=two,
            part=Part.CONTENTS,
            received=received,
            due=received + timedelta(days=5),
            why="the owner's statement",
            contents=1,
            bytes=3,
        ),
        DueLine(
            submission=one,
            part=Part.CONTENTS,
            received=received,
            due=later,
            why="retention.contents_days",
            contents=1,
            bytes=3,
        ),
    ]
    assert second.after is None
    assert await _readable(queue, ONE)
    with pytest.raises(RequestError, match="no cursor"):
        await queue.due(Part.CONTENTS, None, "2026-99-99T00:00_1", 9)


async def test_new_rules_destroy_nothing_by_themselves_for_a_day(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]
) -> None:
    """Until then they only say what would be due; a person can have it done at once."""
    await bring(ONE)
    clock.advance(30 * DAY)
    await queue.retain()
    clock.advance(DAY - 1)
    await queue.retain()
    status = await queue.retention()
    assert (status.contents_due, status.records_due, status.acts_from) == (1, 1, clock.now() + timedelta(seconds=1))
    assert await _readable(queue, ONE)
    done = await queue.run_retention()
    assert done == RunAnswer(contents_of=1, records_of=1, destroyed=1)
    assert not await _readable(queue, ONE)


async def test_times_follow_a_change_of_the_rules(
    queue: Queue,
    make_queue: Callable[..., Queue],
    clock: Any,
    bring: Callable[..., Awaitable[str]],
    policy: QueuePolicy,
) -> None:
    """A queue that comes back with other rules gives every submission its new time before it destroys anything."""
    await bring(ONE)
    await _settled(queue, clock)
    other = make_queue()
    other._policy = replace(policy, retention=RetentionPolicy(3, 20))
    clock.advance(5 * DAY)
    await other.retain()
    assert (await other.retention()).contents_due == 1
    assert (await other.retention()).to_reckon == 0
    clock.advance(DAY)
    await other.retain()
    assert not await _readable(queue, ONE)


@pytest.mark.parametrize("kind", list(HoldKind))
async def test_what_is_held_stays(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], device: str, kind: HoldKind
) -> None:
    """As long as a hold is on it, whatever the rules and the statement say."""
    one = await bring(ONE, days=1)
    targets = {HoldKind.SUBMISSION: one, HoldKind.DEVICE: device, HoldKind.CONTENT: _sha256(ONE)}
    hold = await queue.place_hold(HoldRequest(kind=kind, target=targets[kind], reason="a court asks"), LEA)
    await _settled(queue, clock)
    clock.advance(100 * DAY)
    await queue.retain()
    assert await _readable(queue, ONE)
    assert (await queue.holds(lifted=False)).holds == (hold,)
    lifted = await queue.lift_hold(hold.id, MAX)
    assert (lifted.lifted_by, lifted.lifted) == ("max", clock.now())
    await queue.retain()
    assert not await _readable(queue, ONE)
    assert (await queue.holds(lifted=False)).holds == ()
    assert (await queue.holds(lifted=True)).holds == (lifted,)
    with pytest.raises(Conflict, match="was lifted by max"):
        await queue.lift_hold(hold.id, MAX)
    with pytest.raises(NotFound):
        await queue.lift_hold(str(uuid.uuid4()), MAX)


async def test_a_recall_does_not_wait_for_a_hold(
    queue: Queue, bring: Callable[..., Awaitable[str]], device: str
) -> None:
    """What its host takes back is destroyed, held or not."""
    one = await bring(ONE)
    await queue.place_hold(HoldRequest(kind=HoldKind.SUBMISSION, target=one, reason="a court asks"), LEA)
    await queue.recall(device, one, "person")
    assert not await _readable(queue, ONE)


async def test_receipts_and_their_log_still_prove(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], device: str
) -> None:
    """What was proven of a destroyed submission still is."""
    await bring(ONE)
    before, head = await queue.receipts(device, 0, 0), await queue.log_head()
    await _settled(queue, clock)
    clock.advance(30 * DAY)
    await queue.retain()
    await bring(TWO)
    after = await queue.receipts(device, 0, 0)
    assert after.receipts[0] == before.receipts[0]
    assert (await queue.log_inclusion(0, 2)).nodes
    assert (await queue.log_consistency(1, 2)).nodes
    assert head.document != (await queue.log_head()).document


async def test_its_host_is_told(queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], device: str) -> None:
    """A destroyed submission is listed as that, and can still be taken back."""
    one = await bring(ONE)
    await _settled(queue, clock)
    clock.advance(30 * DAY)
    await queue.retain()
    (line,) = (await queue.own_submissions(device, None, 9)).submissions
    assert (line.id, line.state, line.manifest, line.missing) == (one, SubmissionState.DESTROYED, None, 0)
    await queue.recall(device, one, "person")
    (line,) = (await queue.own_submissions(device, None, 9)).submissions
    assert line.state is SubmissionState.RECALLED


async def test_destroyed_contents_are_not_wanted_for_the_same_submission_again(
    queue: Queue, clock: Any, device: str, make_manifest: Callable[..., Manifest], body: Callable[..., Body]
) -> None:
    """A manifest that comes once more brings nothing back; another one is wanted as new."""
    manifest = encode(make_manifest(ONE))
    answer = await queue.submit(device, manifest)
    upload = await queue.create_upload(device, answer.id, _sha256(ONE), 3)
    await queue.append(device, upload.id, 0, body(ONE))
    await _indexed(queue)
    await _settled(queue, clock)
    clock.advance(10 * DAY)
    await queue.retain()
    assert (await queue.submit(device, manifest)).wanted == []
    assert (await queue.submit(device, encode(make_manifest(ONE)))).wanted == [_sha256(ONE)]
    clock.advance(20 * DAY)
    await queue.retain()
    with pytest.raises(Conflict, match="its time was over"):
        await queue.submit(device, manifest)


async def test_whoever_works_on_it_is_stopped(queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]) -> None:
    """A task whose contents are gone is cancelled with the reason, leased or not; open asks end with the records."""
    one = await bring(ONE)
    lease = (await queue.lease(LeaseRequest(worker="w", seconds=3600))).lease
    assert lease is not None
    ask = await queue.ask(one, AskRequest(wants="whole"))
    clock.advance(10 * DAY)
    await queue.run_retention()
    task = await queue.task(lease.task.id)
    assert (task.state, task.failure) == ("cancelled", "its contents were destroyed: their time was over")
    clock.advance(10 * DAY)
    await queue.run_retention()
    assert [(each.id, each.state) for each in (await queue.asks(one, 9)).asks] == [(ask.id, "gone")]


async def test_contents_that_still_come_in_are_left_alone(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], blobs: FolderBlobs
) -> None:
    """What is not whole is not due; with its records its uploads end."""
    one = await bring(ONE, days=0, upload=False)
    upload = await queue.create_upload("11111111-1111-4111-8111-111111111111", one, _sha256(ONE), 3)
    blobs.open_partial(upload.id, 0).close()
    assert await queue.run_retention() == RunAnswer()
    clock.advance(30 * DAY)
    assert await queue.run_retention() == RunAnswer(records_of=1, destroyed=1)
    assert blobs.partials() == ()


async def test_ended_in_the_middle_it_goes_on(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that could not be destroyed are named, given out no more, and destroyed the next time."""
    await bring(ONE)
    await bring(TWO)
    clock.advance(10 * DAY)
    destroy = FolderBlobs.destroy

    def fail(self: FolderBlobs, sha256: str) -> None:
        if sha256 == _sha256(ONE):
            raise StorageError("the disk does not answer")
        destroy(self, sha256)

    monkeypatch.setattr(FolderBlobs, "destroy", fail)
    assert await queue.run_retention() == RunAnswer(contents_of=2, destroyed=1, failed=1)
    assert not await _readable(queue, ONE)
    assert blobs.has(_sha256(ONE))
    assert (await queue.retention()).to_destroy == 1
    monkeypatch.undo()
    assert await queue.run_retention() == RunAnswer(destroyed=1)
    assert not blobs.has(_sha256(ONE))


async def test_destruction_is_verified(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that says that it destroyed something and still has it is not believed."""
    await bring(ONE)
    clock.advance(10 * DAY)
    monkeypatch.setattr(FolderBlobs, "destroy", lambda _self, _sha256: None)
    assert await queue.run_retention() == RunAnswer(contents_of=1, failed=1)


async def test_what_is_brought_anew_meanwhile_stays(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]], ledger: MemoryQueueLedger
) -> None:
    """A content that another submission delivers while its bytes wait to be destroyed is that one's own."""
    await bring(ONE)
    with ledger.transaction():
        ledger.add_doomed((_sha256(ONE),))
    assert await queue.run_retention() == RunAnswer(wanted_again=1)
    assert await _readable(queue, ONE)


async def test_numbers_by_day_stay(queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]) -> None:
    """Each submission counts with its verdict, once; when all of a day is destroyed small numbers lose their names."""
    for number in range(5):
        await bring(b"%d" % number)
    await _conclude(queue, Conclusion.MALICIOUS)
    day = clock.now().date()

    async def numbers() -> dict[tuple[str, str], int]:
        page = await queue.rollups(day, day)
        return {(line.by, line.label): line.objects for line in page.lines}

    assert await numbers() == {
        ("all", "all"): 5,
        ("rule", "A_Rule"): 5,
        ("type", "text/plain"): 5,
        ("reason", "detection"): 5,
        ("region", "eu"): 5,
        ("verdict", "none"): 4,
        ("verdict", "malicious"): 1,
    }
    clock.advance(30 * DAY)
    await queue.run_retention()
    assert await numbers() == {
        ("all", "all"): 5,
        ("rule", "A_Rule"): 5,
        ("type", "text/plain"): 5,
        ("reason", "detection"): 5,
        ("region", "eu"): 5,
        ("verdict", "none"): 4,
        ("verdict", "other"): 1,
    }
    assert len((await queue.rollups(day, day, dimension=Dimension.VERDICT)).lines) == 2
    assert (await queue.rollups(day, day, tenant="another")).lines == ()


async def test_it_works_in_batches(queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]) -> None:
    """One run does no more than it is asked to, and says that there is more."""
    for number in range(3):
        await bring(b"%d" % number)
    clock.advance(10 * DAY)
    assert await queue.run_retention(2) == RunAnswer(contents_of=2, destroyed=2, more=True)
    assert await queue.run_retention(2) == RunAnswer(contents_of=1, destroyed=1)


async def test_it_is_written_down_who_destroyed_and_who_held(
    queue: Queue, clock: Any, bring: Callable[..., Awaitable[str]]
) -> None:
    """Each batch with its number, the queue's own too, and each hold with its reason."""
    one = await bring(ONE)
    hold = await queue.place_hold(HoldRequest(kind=HoldKind.SUBMISSION, target=one, reason="a court asks"), LEA)
    await queue.lift_hold(hold.id, MAX)
    clock.advance(10 * DAY)
    await queue.run_retention(by=LEA)
    clock.advance(10 * DAY)
    await queue.run_retention()
    entries = (await queue.audit(AuditQuestion())).entries
    told = [(each.actor, each.action, each.subject, each.detail) for each in entries]
    assert told == [
        ("lea", "hold-place", hold.id, f"submission {one}: a court asks"),
        ("max", "hold-lift", hold.id, f"submission {one}"),
        ("lea", "retention", "contents", "1 submissions"),
        ("retention", "retention", "records", "1 submissions"),
    ]
