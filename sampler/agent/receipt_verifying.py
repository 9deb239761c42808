"""Checking anew, from the journal alone, everything that the queue has signed about what this host sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sampler.agent.receipt_checks import (
    check_grown,
    check_included,
    check_not_shrunk,
    check_receipt,
    opened_head,
    opened_receipt,
)
from sampler.agent.receipt_entries import held_of
from sampler.agent.receipt_sent import RECEIPT_KINDS, Sent, sent_of
from sampler.errors import IdentityError, ReceiptError
from sampler.identity import PublicKey
from sampler.journal import JournalEntry
from sampler.wire.receipt_messages import LogProof, Receipt, Signed, TreeHead

VERIFIED_KINDS: Final = RECEIPT_KINDS | {"offered", "delivered", "duplicate", "recall_confirmed"}
"""Of the entries that are needed."""


@dataclass(slots=True)
class Verifying:
    """One pass over the entries, oldest first.

    Args:
        key: the one to believe; without it, the first one that the journal names, and then no other.
    """

    key: PublicKey | None
    held: int = 0
    """Receipts that hold."""
    unmatched: int = 0
    """Of these, receipts whose offer the journal does not have any more."""
    faults: list[str] = field(default_factory=list)
    _sent: dict[str, Sent] = field(default_factory=dict)
    _lacking: set[str] = field(default_factory=set)
    _roots: dict[int, str] = field(default_factory=dict)

    @property
    def lacking(self) -> int:
        """Delivered submissions that have no receipt, or not yet, and were not taken back."""
        return len(self._lacking)

    def follow(self, entries: Iterable[JournalEntry]) -> None:
        """Take the entries in."""
        for entry in entries:
            if entry.kind == "offered":
                self._sent[entry.event_id] = sent_of(entry.document)
            elif entry.kind in ("delivered", "duplicate"):
                self._lacking |= {entry.event_id} & self._sent.keys()
            elif entry.kind == "recall_confirmed":
                self._lacking.discard(entry.event_id)
            elif entry.kind == "receipt_refused":
                self.faults.append(f"{entry.event_id or 'the log'}: refused: {entry.document.get('reason', '')}")
            elif entry.kind == "receipt":
                self._receipt(entry)

    def _receipt(self, entry: JournalEntry) -> None:
        try:
            self._check(entry)
        except (ReceiptError, IdentityError) as error:
            self.faults.append(f"{entry.event_id}: {error}")
        else:
            self.held += 1
            self._lacking.discard(entry.event_id)

    def _check(self, entry: JournalEntry) -> None:
        held, inclusion = held_of(entry.document)
        key = self._believed(PublicKey.parse(held.key))
        receipt = opened_receipt(key, held.signed)
        self._check_sent(entry, receipt)
        head = opened_head(key, held.head)
        check_included(held.signed.document, receipt, head, inclusion)
        if self._roots.setdefault(head.size, head.root) != head.root:
            raise ReceiptError(f"the queue signed two different logs of {head.size} receipts", "forked")

    def _check_sent(self, entry: JournalEntry, receipt: Receipt) -> None:
        if receipt.submission != entry.event_id:
            raise ReceiptError(f"its receipt is for {receipt.submission}", "unsent")
        sent = self._sent.pop(entry.event_id, None)
        if sent is None:
            self.unmatched += 1
        else:
            check_receipt(receipt, receipt.device, sent)

    def _believed(self, named: PublicKey) -> PublicKey:
        self.key = self.key or named
        if named != self.key:
            raise ReceiptError(f"it was checked with key {named.id}; believed is {self.key.id}", "key")
        return self.key


def ordered(key: PublicKey, one: Signed, other: Signed) -> tuple[TreeHead, TreeHead]:
    """Two heads of a log, the smaller first.

    Raises:
        ReceiptError: the key has not signed both.
    """
    first, second = sorted((opened_head(key, one), opened_head(key, other)), key=lambda head: head.size)
    return first, second


def check_history(first: TreeHead, second: TreeHead, proof: LogProof) -> None:
    """Whether two heads are of one history.

    Raises:
        ReceiptError: they are not, or the proof does not show it.
    """
    check_not_shrunk(first, second)
    check_grown(first, second, proof)
