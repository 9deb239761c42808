"""One receipt for each submission that the queue has whole: a signed document, and a leaf of an append-only log.

A receipt is made in the transaction that makes the submission's task, so that neither is ever there without the other;
or, where servers share the ledger, that transaction notes that it is due, and one server makes it a moment later.
Its bytes are signed once and kept; nothing signs them, or anything at their position, again. Blocking; run on the
ledger's lane.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from sampler.queue import log_tree
from sampler.queue.ports import Ledger, Signer
from sampler.queue.records import ReceiptRecord, Submission
from sampler.queue.stages import ONE_STAGE, Plan
from sampler.wire.codec import decode, encode
from sampler.wire.messages import Sha256, Size, StatementMessage
from sampler.wire.receipt_messages import RECEIPT_CONTEXT, Receipt, ReceivedContent

BACKFILL_MAX_COUNT = 100
"""Receipts that one transaction makes of submissions that were there before there were receipts."""


@dataclass(frozen=True, slots=True)
class Making:
    """What comes into being when a submission is whole needs these: identifiers, the queue's signature, and a plan."""

    new_id: Callable[[], str]
    signer: Signer
    plan: Plan = ONE_STAGE
    deferred: bool = False
    """Whether receipts follow a moment later, by one server for all: where several servers share a ledger, each of them
    would wait for the log's end otherwise."""


def issue(ledger: Ledger, submission: Submission, signer: Signer) -> ReceiptRecord:
    """Append the receipt of a submission whose contents are all verified; inside of a transaction.

    Raises:
        Conflict: it has one.
    """
    position = ledger.log_size()
    document = encode(_receipt(submission, position))
    signature = signer.sign(RECEIPT_CONTEXT, document)
    record = ReceiptRecord(position, submission.id, submission.device, document, signature)
    ledger.add_receipt(record, log_tree.appended(document, position, ledger.log_node))
    return record


def issue_due(ledger: Ledger, signer: Signer) -> tuple[str, ...]:
    """Make receipts that were deferred, oldest first; whose they are, nobody when none is due.

    One server does this at a time; should two, a place in the log is given once, and the other one's is undone.
    """
    with ledger.claiming():
        due = ledger.receipts_due(BACKFILL_MAX_COUNT)
        for submission in due:
            issue(ledger, submission, signer)
            ledger.end_receipt_due(submission.id)
    return tuple(submission.device for submission in due)


def backfill(ledger: Ledger, signer: Signer) -> int:
    """Make receipts for submissions that have a task and none, oldest first; how many, 0 when all have one."""
    with ledger.transaction():
        lacking = ledger.without_receipt(BACKFILL_MAX_COUNT)
        for submission in lacking:
            issue(ledger, submission, signer)
    return len(lacking)


class _Content(Struct, frozen=True):
    sha256: Sha256
    size: Size


class _Told(Struct, frozen=True):
    """What a receipt repeats of a manifest; whatever else an older version wrote into one does not matter."""

    statement: StatementMessage
    contents: tuple[_Content, ...] = ()


def _receipt(submission: Submission, position: int) -> Receipt:
    told = decode(submission.manifest, _Told)
    sizes = {content.sha256: content.size for content in told.contents}
    return Receipt(
        submission=submission.id,
        device=submission.device,
        manifest=hashlib.sha256(submission.manifest).hexdigest(),
        contents=tuple(ReceivedContent(sha256=sha256, size=size) for sha256, size in sizes.items()),
        received=submission.received,
        position=position,
        statement=told.statement,
    )
