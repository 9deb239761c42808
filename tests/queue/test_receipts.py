"""Receipts: one for each submission that is whole, in one log, whose heads and proofs hold together."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from sampler.errors import Conflict, RequestError
from sampler.identity import SigningKey
from sampler.queue import Queue, Submission, Task
from sampler.queue.receipts import issue
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import decode, encode
from sampler.wire.log_proofs import EMPTY_ROOT, is_extended, is_included
from sampler.wire.messages import Manifest
from sampler.wire.receipt_messages import HEAD_CONTEXT, RECEIPT_CONTEXT, Receipt, TreeHead

OTHER = "22222222-2222-4222-8222-222222222222"
Deliver = Callable[..., Awaitable[str]]


def opened(queue_key: SigningKey, document: bytes, signature: bytes) -> Receipt:
    assert queue_key.public.has_signed(RECEIPT_CONTEXT, document, signature)
    return decode(document, Receipt)


async def head_of(queue: Queue, key: SigningKey) -> TreeHead:
    signed = await queue.log_head()
    assert key.public.has_signed(HEAD_CONTEXT, signed.document, signed.signature)
    return decode(signed.document, TreeHead)


async def test_a_receipt_says_what_came(
    queue: Queue, deliver: Deliver, ledger: MemoryQueueLedger, signing_key: SigningKey, device: str
) -> None:
    """It is signed, names the manifest's very bytes and every content, and is there once the task is."""
    submission_id = await deliver(b"abc")
    (signed,) = (await queue.receipts(device, 0, 0)).receipts
    receipt = opened(signing_key, signed.document, signed.signature)
    submission = ledger.submission(submission_id)
    assert submission is not None
    assert receipt.submission == submission_id
    assert (receipt.device, receipt.position, receipt.received) == (device, 0, submission.received)
    assert receipt.manifest == hashlib.sha256(submission.manifest).hexdigest()
    assert [(each.sha256, each.size) for each in receipt.contents] == [(hashlib.sha256(b"abc").hexdigest(), 3)]
    assert receipt.statement == decode(submission.manifest, Manifest).statement


async def test_no_receipt_before_the_contents(
    queue: Queue, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """A manifest alone is not acknowledged; one that offers nothing is, at once; the same again changes nothing."""
    await queue.submit(device, encode(make_manifest(b"abc")))
    assert (await queue.receipts(device, 0, 0)).receipts == ()
    manifest = encode(make_manifest())
    await queue.submit(device, manifest)
    await queue.submit(device, manifest)
    assert len((await queue.receipts(device, 0, 0)).receipts) == 1


async def test_one_content_completes_submissions_of_several_devices(
    queue: Queue, device: str, make_manifest: Callable[..., Manifest], deliver: Deliver
) -> None:
    """Each gets a receipt, in the log's order, and each device sees its own only."""
    first, second = make_manifest(b"abc"), make_manifest(b"abc")
    await queue.submit(device, encode(first))
    await queue.submit(OTHER, encode(second))
    await deliver(b"abc")
    mine, others = await queue.receipts(device, 0, 0), await queue.receipts(OTHER, 0, 0)
    assert [decode(each.document, Receipt).position for each in mine.receipts] == [0, 2]
    assert [decode(each.document, Receipt).submission for each in others.receipts] == [second.id]
    assert (mine.cursor, others.cursor) == (3, 2)
    assert (await queue.receipts(device, mine.cursor, 0)).receipts == ()
    assert (await queue.receipts(device, mine.cursor, 0)).cursor == 3


async def test_a_host_that_waits_gets_its_receipt(queue: Queue, device: str, deliver: Deliver) -> None:
    """Who waits is woken by the receipt, not by the end of the wait."""
    waiting = asyncio.create_task(queue.receipts(device, 0, 30))
    await asyncio.sleep(0)
    await deliver(b"abc")
    async with asyncio.timeout(10):
        assert len((await waiting).receipts) == 1


async def test_every_head_continues_every_other(queue: Queue, signing_key: SigningKey, deliver: Deliver) -> None:
    """Heads are signed, each log begins with each smaller one, and each receipt is where it says."""
    heads = [await head_of(queue, signing_key)]
    assert (heads[0].size, heads[0].root) == (0, EMPTY_ROOT.hex())
    for number in range(7):
        await deliver(b"%d" % number)
        heads.append(await head_of(queue, signing_key))
    roots = [bytes.fromhex(head.root) for head in heads]
    for second in range(8):
        for first in range(second + 1):
            proof = await queue.log_consistency(first, second)
            assert is_extended(first, roots[first], second, roots[second], proof.nodes)
    page = await queue.receipts("11111111-1111-4111-8111-111111111111", 0, 0)
    for position, signed in enumerate(page.receipts):
        proof = await queue.log_inclusion(position, 7)
        assert is_included(signed.document, position, 7, roots[7], proof.nodes)


@pytest.mark.parametrize(("first", "second"), [(2, 1), (0, 2), (2, 2)])
async def test_proofs_about_what_is_not_there(queue: Queue, deliver: Deliver, first: int, second: int) -> None:
    """The queue proves nothing about a log that it does not have."""
    await deliver(b"abc")
    with pytest.raises(RequestError, match="ask for a head first"):
        await queue.log_consistency(first, second)
    with pytest.raises(RequestError, match="ask for a head first"):
        await queue.log_inclusion(second, first)


async def test_submissions_from_before_get_theirs_at_the_start(
    make_queue: Callable[..., Queue], ledger: MemoryQueueLedger, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """A ledger that was written by an older version has a receipt for each task once the queue is open."""
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(3):
        manifest = make_manifest()
        ledger.add_submission(Submission(manifest.id, device, moment, encode(manifest)), {})
        ledger.add_task(Task(id=f"t{number}", submission=manifest.id, created=moment, not_before=moment))
    async with make_queue() as queue:
        page = await queue.receipts(device, 0, 0)
    assert [decode(each.document, Receipt).position for each in page.receipts] == [0, 1, 2]
    assert {decode(each.document, Receipt).received for each in page.receipts} == {moment}


def test_a_submission_is_acknowledged_once(
    ledger: MemoryQueueLedger, signing_key: SigningKey, device: str, make_manifest: Callable[..., Manifest]
) -> None:
    """A second receipt is a bug, and never gets into the log."""
    manifest = make_manifest()
    submission = Submission(manifest.id, device, datetime(2025, 1, 1, tzinfo=UTC), encode(manifest))
    first = issue(ledger, submission, signing_key)
    with pytest.raises(Conflict):
        issue(ledger, submission, signing_key)
    assert ledger.receipt(submission.id) == first
    assert ledger.log_size() == 1
