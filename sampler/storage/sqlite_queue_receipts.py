"""Receipts and their log in SQLite."""

from __future__ import annotations

from collections.abc import Mapping

from sampler.errors import StorageError
from sampler.queue import ReceiptRecord, Submission
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, marks


class Receipts(Rows):
    """The part of ``queue.Ledger`` that says what was acknowledged under signature."""

    def add_receipt(self, receipt: ReceiptRecord, nodes: Mapping[tuple[int, int], bytes]) -> None:
        """Append to the log, with the tree's nodes that become complete by it."""
        self._insert(
            "receipts",
            of=f"the receipt of submission {receipt.submission}, or one at position {receipt.position},",
            position=receipt.position,
            submission=receipt.submission,
            device=receipt.device,
            document=receipt.document,
            signature=receipt.signature,
        )
        self._write_many(
            "INSERT INTO log_nodes (level, place, hash) VALUES (?, ?, ?)",
            [(level, place, node) for (level, place), node in nodes.items()],
        )

    def log_size(self) -> int:
        """How many receipts there are; the tree says so, whatever became of a receipt since."""
        return self._number("SELECT coalesce(max(place) + 1, 0) FROM log_nodes WHERE level = 0")

    def log_node(self, level: int, index: int) -> bytes:
        """A node of the log's tree that is complete."""
        row = self._row("SELECT hash FROM log_nodes WHERE level = ? AND place = ?", level, index)
        if row is None:
            raise StorageError(f"the log of receipts lacks its node {level}/{index}; restore the ledger from a backup")
        return bytes(row["hash"])

    def receipt(self, submission_id: str) -> ReceiptRecord | None:
        """The receipt of a submission."""
        row = self._row("SELECT * FROM receipts WHERE submission = ?", submission_id)
        return None if row is None else _receipt(row)

    def receipts(self, device: str, after: int, limit: int) -> tuple[ReceiptRecord, ...]:
        """A device's receipts from the position ``after`` on."""
        sql = "SELECT * FROM receipts WHERE device = ? AND position >= ? ORDER BY position LIMIT ?"
        return tuple(_receipt(row) for row in self._rows(sql, device, after, limit))

    def add_receipt_due(self, submission_id: str) -> None:
        """A submission's receipt is still to come."""
        self._insert("receipts_due", of=f"the note on submission {submission_id}", submission=submission_id)

    def receipts_due(self, limit: int) -> tuple[Submission, ...]:
        """Submissions whose receipt is still to come, in the order in which they were noted."""
        due = self._claimed_rows("SELECT submission FROM receipts_due ORDER BY number LIMIT ?", limit)
        names = [row["submission"] for row in due]
        sql = f"SELECT * FROM submissions WHERE id IN {marks(names)}"  # noqa: S608  # question marks only
        found = {row["id"]: _submission(row) for row in self._rows(sql, *names)}
        return tuple(found[name] for name in names)

    def end_receipt_due(self, submission_id: str) -> None:
        """The receipt is there."""
        self._write("DELETE FROM receipts_due WHERE submission = ?", submission_id)

    def without_receipt(self, limit: int) -> tuple[Submission, ...]:
        """Submissions that have a task and no receipt, oldest first."""
        sql = """SELECT submissions.* FROM tasks JOIN submissions ON submissions.id = tasks.submission
                 LEFT JOIN receipts ON receipts.submission = tasks.submission
                 WHERE receipts.position IS NULL ORDER BY tasks.number LIMIT ?"""
        return tuple(_submission(row) for row in self._rows(sql, limit))


def _submission(row: Row) -> Submission:
    return Submission(row["id"], row["device"], from_column(row["received"]), row["manifest"], row["tenant"])


def _receipt(row: Row) -> ReceiptRecord:
    return ReceiptRecord(row["position"], row["submission"], row["device"], row["document"], row["signature"])
