"""Receipts and their log in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from sampler.errors import Conflict, StorageError
from sampler.queue import ReceiptRecord, Submission, Task


@dataclass(slots=True)
class ReceiptTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    given: dict[str, ReceiptRecord] = field(default_factory=dict)
    to_come: dict[str, None] = field(default_factory=dict)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def __copy__(self) -> ReceiptTables:
        return ReceiptTables({**self.given}, {**self.to_come}, {**self.nodes})


class MemoryReceipts(ABC):
    """The part of ``queue.Ledger`` that keeps what was signed."""

    @property
    @abstractmethod
    def _signed(self) -> ReceiptTables:
        """The tables as they are now."""

    @property
    @abstractmethod
    def _tasks(self) -> dict[str, Task]:
        """The tasks as they are now, in the order of their making."""

    @property
    @abstractmethod
    def _submissions(self) -> dict[str, Submission]:
        """All of them, in the order in which they came."""

    def add_receipt(self, receipt: ReceiptRecord, nodes: Mapping[tuple[int, int], bytes]) -> None:
        """Append to the log, with the tree's nodes that become complete by it."""
        if (0, receipt.position) in self._signed.nodes:
            raise Conflict(f"a receipt at position {receipt.position} exists already")
        if receipt.submission in self._signed.given:
            raise Conflict(f"the receipt of submission {receipt.submission} exists already")
        self._signed.given[receipt.submission] = receipt
        self._signed.nodes.update(nodes)

    def log_size(self) -> int:
        """How many receipts there are."""
        return sum(level == 0 for level, _ in self._signed.nodes)

    def log_node(self, level: int, index: int) -> bytes:
        """A node of the log's tree that is complete."""
        node = self._signed.nodes.get((level, index))
        if node is None:
            raise StorageError(f"the log of receipts lacks its node {level}/{index}")
        return node

    def receipt(self, submission_id: str) -> ReceiptRecord | None:
        """The receipt of a submission."""
        return self._signed.given.get(submission_id)

    def receipts(self, device: str, after: int, limit: int) -> tuple[ReceiptRecord, ...]:
        """A device's receipts from the position ``after`` on."""
        found = [each for each in self._signed.given.values() if each.device == device and each.position >= after]
        return tuple(found[:limit])

    def add_receipt_due(self, submission_id: str) -> None:
        """A submission's receipt is still to come."""
        self._signed.to_come[submission_id] = None

    def receipts_due(self, limit: int) -> tuple[Submission, ...]:
        """Submissions whose receipt is still to come, in the order in which they were noted."""
        return tuple(self._submissions[each] for each in list(self._signed.to_come)[:limit])

    def end_receipt_due(self, submission_id: str) -> None:
        """The receipt is there."""
        self._signed.to_come.pop(submission_id, None)

    def without_receipt(self, limit: int) -> tuple[Submission, ...]:
        """Submissions that have a task and no receipt, oldest first."""
        lacking = [each.submission for each in self._tasks.values() if each.submission not in self._signed.given]
        return tuple(self._submissions[each] for each in lacking[:limit])
