"""Taking submissions back at the queue: what goes, what stays with others, and what a crash cannot undo."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from sampler.errors import NotFound, Recalled, StorageError
from sampler.identity import SigningKey
from sampler.model import AskState, Conclusion
from sampler.queue import Body, Queue, QueuePolicy
from sampler.queue.recalls import Recall, ended
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.ask_messages import AskRequest
from sampler.wire.codec import decode, encode
from sampler.wire.messages import CompleteRequest, FailRequest, LeaseRequest, Manifest, RenewRequest
from sampler.wire.recall_messages import RECALL_CONTEXT, RecallConfirmation
from sampler.wire.receipt_messages import Signed

OTHER = "22222222-2222-4222-8222-222222222222"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DATA = b"MZ something that its owner regrets"
SHA256 = hashlib.sha256(DATA).hexdigest()

Deliver = Callable[..., Awaitable[str]]


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


def _said(signed: Signed) -> RecallConfirmation:
    return decode(signed.document, RecallConfirmation)


async def test_everything_of_it_goes(
    queue: Queue, blobs: FolderBlobs, ledger: MemoryQueueLedger, deliver: Deliver, device: str, signing_key: SigningKey
) -> None:
    """Manifest, content, task, receipt and verdict are gone; what is signed names what was destroyed."""
    submission = await deliver(DATA)
    lease = (await queue.lease(LeaseRequest(worker="w"))).lease
    assert lease is not None
    report = CompleteRequest(lease=lease.lease, conclusion=Conclusion.BENIGN, score=0, analyzer="a")
    await queue.complete(lease.task.id, report)
    signed = await queue.recall(device, submission, "person")
    assert signing_key.public.has_signed(RECALL_CONTEXT, signed.document, signed.signature)
    assert (_said(signed).submission, _said(signed).destroyed, _said(signed).kept) == (submission, (SHA256,), ())
    assert not blobs.has(SHA256)
    left = ledger.submission(submission)
    assert left is not None
    assert left.manifest == b""
    assert (ledger.task_of(submission), ledger.receipt(submission), ledger.offered(submission)) == (None, None, ())
    assert (await queue.verdicts(device, 0, 0)).events == []


async def test_the_same_again_gets_the_same(queue: Queue, deliver: Deliver, device: str) -> None:
    """A confirmation whose answer got lost is told again, byte for byte."""
    submission = await deliver(DATA)
    assert await queue.recall(device, submission, "person") == await queue.recall(device, submission, "consent")


async def test_what_others_offer_stays(queue: Queue, blobs: FolderBlobs, deliver: Deliver, device: str) -> None:
    """A content of two hosts goes with the second of them, and neither is told of the other."""
    mine, theirs = await deliver(DATA), await deliver(DATA, OTHER)
    first = await queue.recall(device, mine, "person")
    assert (_said(first).destroyed, _said(first).kept) == ((), (SHA256,))
    assert OTHER not in first.document.decode()
    with await queue.open_content(SHA256) as content:
        assert content.read() == DATA
    second = await queue.recall(OTHER, theirs, "person")
    assert _said(second).destroyed == (SHA256,)
    assert not blobs.has(SHA256)


async def test_a_manifest_is_never_taken_again(
    queue: Queue, deliver: Deliver, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """Repeated, changed, or on its way while the recall overtook it: the answer is that it was recalled."""
    submission = await deliver(DATA)
    await queue.recall(device, submission, "person")
    with pytest.raises(Recalled):
        await queue.submit(device, encode(make_manifest(DATA, id=submission)))
    late = make_manifest(b"overtaken")
    await queue.recall(device, late.id, "person")
    with pytest.raises(Recalled):
        await queue.submit(device, encode(late))
    with pytest.raises(Recalled):
        await queue.create_upload(device, late.id, late.object.sha256, 9)


async def test_another_hosts_submission_is_not_there(queue: Queue, blobs: FolderBlobs, deliver: Deliver) -> None:
    """Nobody destroys what is not theirs, before a recall and after it."""
    submission = await deliver(DATA)
    for _ in range(2):
        with pytest.raises(NotFound):
            await queue.recall(OTHER, submission, "person")
    assert blobs.has(SHA256)


async def test_it_wins_over_leases(queue: Queue, deliver: Deliver, device: str) -> None:
    """Whoever holds the task can neither renew, complete nor fail it, nor fetch its content, and is told why."""
    submission = await deliver(DATA)
    lease = (await queue.lease(LeaseRequest(worker="w"))).lease
    assert lease is not None
    await queue.recall(device, submission, "person")
    task, secret = lease.task.id, lease.lease
    verdict = CompleteRequest(lease=secret, conclusion=Conclusion.BENIGN, score=0, analyzer="a")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: queue.renew(task, RenewRequest(lease=secret)),
        lambda: queue.complete(task, verdict),
        lambda: queue.fail(task, FailRequest(lease=secret, reason="r")),
        lambda: queue.requeue(task),
        lambda: queue.task(task),
        lambda: queue.lease(LeaseRequest(worker="w", task=task)),
        lambda: queue.open_content(SHA256),
    ]
    for call in calls:
        with pytest.raises(Recalled, match="took submission"):
            await call()
    assert (await queue.lease(LeaseRequest(worker="w"))).lease is None


async def test_a_reader_is_told_that_it_is_destroyed(queue: Queue, deliver: Deliver, device: str) -> None:
    """A download that has begun sees, between two pieces, that no further one may leave."""
    submission = await deliver(DATA)
    end = queue.destruction(SHA256)
    with await queue.open_content(SHA256):
        await queue.recall(device, submission, "person")
        assert end.is_set()


async def test_asks_end(queue: Queue, ledger: MemoryQueueLedger, deliver: Deliver, device: str) -> None:
    """An open ask about it is gone, and no new one can be made."""
    submission = await deliver(DATA)
    asked = await queue.ask(submission, AskRequest(wants="whole"))
    await queue.recall(device, submission, "person")
    after = ledger.ask(asked.id)
    assert after is not None
    assert after.state is AskState.GONE
    assert (await queue.open_asks(device, 0)).asks == ()
    with pytest.raises(Recalled):
        await queue.ask(submission, AskRequest(wants="whole"))


async def test_uploads_end(
    queue: Queue, blobs: FolderBlobs, device: str, make_manifest: Callable[..., Manifest], body: Callable[..., Body]
) -> None:
    """What has come of a content is gone, and its upload takes no more."""
    manifest = make_manifest(DATA)
    await queue.submit(device, encode(manifest))
    upload = await queue.create_upload(device, manifest.id, SHA256, len(DATA))
    await queue.append(device, upload.id, 0, body(DATA[:5]))
    await queue.recall(device, manifest.id, "person")
    assert blobs.partials() == ()
    with pytest.raises(NotFound):
        await queue.append(device, upload.id, 5, body(DATA[5:]))


async def test_a_recall_in_the_middle_of_the_last_bytes(
    queue: Queue, blobs: FolderBlobs, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """An upload that is being written when the recall comes leaves neither a content nor bytes of one."""
    manifest = make_manifest(DATA)
    await queue.submit(device, encode(manifest))
    upload = await queue.create_upload(device, manifest.id, SHA256, len(DATA))

    async def chunks(room: int) -> object:
        yield DATA[:5]
        await queue.recall(device, manifest.id, "person")
        yield DATA[5:]

    with pytest.raises(NotFound):
        await queue.append(device, upload.id, 0, chunks)  # type: ignore[arg-type]  # an asynchronous generator is one
    assert not blobs.has(SHA256)
    assert blobs.partials() == ()


async def test_a_content_that_comes_anew_meanwhile_is_kept(
    queue: Queue, blobs: FolderBlobs, deliver: Deliver, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails leaves the recall unfinished; who delivers the same bytes then has them, and is not named."""
    submission = await deliver(DATA)

    def fail(self: FolderBlobs, sha256: str) -> None:
        raise StorageError("the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr(FolderBlobs, "destroy", fail)
        with pytest.raises(StorageError):
            await queue.recall(device, submission, "person")
    with pytest.raises(Recalled):
        await queue.open_content(SHA256)
    await deliver(DATA, OTHER)
    said = _said(await queue.recall(device, submission, "person"))
    assert (said.destroyed, said.kept) == ((), (SHA256,))
    with await queue.open_content(SHA256) as content:
        assert content.read() == DATA


async def test_names_are_forgotten(queue: Queue, deliver: Deliver, device: str, clock: MovedClock) -> None:
    """The tombstone that stays does not say which contents its host had."""
    submission = await deliver(DATA)
    before = _said(await queue.recall(device, submission, "person"))
    clock.advance(timedelta(days=8).total_seconds())
    await queue.sweep()
    after = _said(await queue.recall(device, submission, "person"))
    assert (before.destroyed, after.destroyed) == ((SHA256,), ())
    assert (before.done, before.submission) == (after.done, after.submission)


async def test_the_listing_is_its_own_and_in_order(queue: Queue, deliver: Deliver, device: str) -> None:
    """A host sees all of its submissions by identifier, page by page, the recalled ones as such."""
    mine = sorted([await deliver(b"one"), await deliver(b"two"), await deliver(b"three")])
    await deliver(b"another's", OTHER)
    await queue.recall(device, mine[1], "person")
    first = await queue.own_submissions(device, None, 2)
    rest = await queue.own_submissions(device, first.after, 2)
    lines = first.submissions + rest.submissions
    assert [line.id for line in lines] == mine
    assert [line.state.value for line in lines] == ["queued", "recalled", "queued"]
    assert (lines[1].manifest, rest.after) == (None, None)
    assert lines[0].manifest is not None


def test_a_content_that_came_back_is_not_called_destroyed() -> None:
    """The end of a recall says of each content what really became of it."""
    recall = Recall("s", "d", "person", NOW, doomed=("a", "b"), kept=("c",))
    after = ended(recall, {"b"}, NOW)
    assert (after.doomed, after.kept, after.done) == (("a",), ("b", "c"), NOW)
    with pytest.raises(ValueError, match="not destroyed"):
        replace(after, done=None).confirmation()


_DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from sampler.identity import SigningKey
from sampler.queue import Queue, QueuePolicy
from sampler.runtime.clock import SystemClock
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.sqlite_queue import SqliteQueueLedger

folder, submission, device, step = Path(sys.argv[1]), *sys.argv[2:]

def dying(owner, name, *, before):
    real = getattr(owner, name)
    def wrapped(self, *values):
        if not before:
            real(self, *values)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, wrapped)

where = {
    "noting": (SqliteQueueLedger, "add_recall", False),
    "noted": (FolderBlobs, "destroy", True),
    "destroyed": (FolderBlobs, "destroy", False),
    "ending": (SqliteQueueLedger, "end_recall", True),
    "ended": (SqliteQueueLedger, "end_recall", False),
}[step]
dying(where[0], where[1], before=where[2])

async def run():
    ledger, blobs = SqliteQueueLedger(folder / "queue.db"), FolderBlobs(folder / "blobs")
    key = SigningKey.load(folder / "receipt.key")
    async with Queue(ledger, blobs, SystemClock(), QueuePolicy(), signer=key) as queue:
        await queue.recall(device, submission, "person")

asyncio.run(run())
"""


@pytest.mark.parametrize("step", ["noting", "noted", "destroyed", "ending", "ended"])
async def test_killed_at_each_step(
    tmp_path: Path,
    step: str,
    signing_key: SigningKey,
    make_manifest: Callable[..., Manifest],
    body: Callable[..., Body],
    device: str,
) -> None:
    """Either nothing has happened, or the next start ends it: no content, and no byte of the manifest in any file."""
    manifest = make_manifest(DATA)
    secret = manifest.object.sha256[:8] + "-the-name-of-somebody"
    manifest = msgspec.structs.replace(manifest, fields={"file.name": secret})

    def make() -> Queue:
        ledger, blobs = SqliteQueueLedger(tmp_path / "queue.db"), FolderBlobs(tmp_path / "blobs")
        return Queue(ledger, blobs, SystemClock(), QueuePolicy(), signer=signing_key)

    async with make() as queue:
        await queue.submit(device, encode(manifest))
        upload = await queue.create_upload(device, manifest.id, SHA256, len(DATA))
        await queue.append(device, upload.id, 0, body(DATA))
    arguments = [sys.executable, "-c", _DYING, str(tmp_path), manifest.id, device, step]
    process = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.PIPE, env=dict(os.environ))
    _, complained = await process.communicate()
    assert process.returncode == -signal.SIGKILL, complained.decode()
    async with make() as queue:
        blobs = FolderBlobs(tmp_path / "blobs")
        if step == "noting":
            assert (await queue.submission(device, manifest.id)).missing == []
        else:
            assert not blobs.has(SHA256)
        said = _said(await queue.recall(device, manifest.id, "person"))
        assert said.destroyed == (SHA256,)
        assert not blobs.has(SHA256)
        for file in tmp_path.glob("queue.db*"):
            assert secret.encode() not in file.read_bytes(), file
