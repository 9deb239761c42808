"""Recalls in SQLite: tombstones, and erasing what a submission brought from every page of the file."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sampler.queue import Recall
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, or_none, to_column
from sampler.wire.recall_messages import Cause


class Recalling(Rows):
    """The part of ``queue.Ledger`` that takes back what came in. Deleted bytes are overwritten (``secure_delete``)."""

    def offered(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers."""
        rows = self._rows("SELECT sha256 FROM offered WHERE submission = ? ORDER BY position", submission_id)
        return tuple(row["sha256"] for row in rows)

    def offered_elsewhere(self, sha256: str, submission_id: str) -> bool:
        """Whether another submission offers this content too, of the same tenant or of one that has delivered it."""
        sql = """SELECT 1 FROM offered JOIN submissions ON submissions.id = offered.submission
                 LEFT JOIN tenant_contents ON tenant_contents.tenant = submissions.tenant
                     AND tenant_contents.sha256 = offered.sha256
                 WHERE offered.sha256 = ? AND offered.submission <> ? AND (tenant_contents.sha256 IS NOT NULL
                     OR submissions.tenant = (SELECT tenant FROM submissions WHERE id = ?)) LIMIT 1"""
        return self._row(sql, sha256, submission_id, submission_id) is not None

    def erase_submission(self, submission_id: str) -> tuple[str, ...]:
        """Empty its manifest, forget what hangs on it; its uploads. The log of receipts keeps its hashes."""
        rows = self._rows("DELETE FROM uploads WHERE submission = ? RETURNING id", submission_id)
        for table in ("offered", "tasks", "verdicts", "receipts", "receipts_due", "listed_verdicts"):
            self._write(f"DELETE FROM {table} WHERE submission = ?", submission_id)  # noqa: S608  # names are ours
        self._write("UPDATE submissions SET manifest = ? WHERE id = ?", b"", submission_id)
        return tuple(row["id"] for row in rows)

    def remove_content(self, sha256: str) -> None:
        """The queue does not hold this content any more."""
        self._write("DELETE FROM tenant_contents WHERE sha256 = ?", sha256)
        self._write("DELETE FROM contents WHERE sha256 = ?", sha256)

    def add_recall(self, recall: Recall) -> None:
        """Record a recall."""
        self._insert(
            "recalls",
            of=f"the recall of submission {recall.submission}",
            submission=recall.submission,
            device=recall.device,
            cause=recall.cause,
            asked=to_column(recall.asked),
            task=recall.task,
            done=None if recall.done is None else to_column(recall.done),
        )
        self._name_contents(recall)

    def end_recall(self, recall: Recall) -> None:
        """Replace a recall by its end, unless it has ended."""
        with self.transaction():
            before = self.recall(recall.submission)
            if before is None or before.done is not None:
                return
            done = None if recall.done is None else to_column(recall.done)
            self._write("UPDATE recalls SET done = ? WHERE submission = ?", done, recall.submission)
            self._write("DELETE FROM recalled_contents WHERE submission = ?", recall.submission)
            self._name_contents(recall)

    def recall(self, submission_id: str) -> Recall | None:
        """The recall of a submission."""
        return self._recall(self._row("SELECT * FROM recalls WHERE submission = ?", submission_id))

    def recall_of_task(self, task_id: str) -> Recall | None:
        """The recall that ended this task."""
        return self._recall(self._row("SELECT * FROM recalls WHERE task = ?", task_id))

    def recall_of_content(self, sha256: str) -> Recall | None:
        """The latest recall that destroyed this content, or is about to."""
        sql = """SELECT recalls.* FROM recalled_contents JOIN recalls USING (submission)
                 WHERE sha256 = ? AND kept = 0 ORDER BY asked DESC LIMIT 1"""
        return self._recall(self._row(sql, sha256))

    def unfinished_recalls(self, limit: int) -> tuple[Recall, ...]:
        """Those with something left to destroy."""
        rows = self._rows("SELECT * FROM recalls WHERE done IS NULL ORDER BY asked, submission LIMIT ?", limit)
        return tuple(self._full(row) for row in rows)

    def forget_recalled_contents(self, before: datetime) -> None:
        """Forget the names of contents of recalls that ended before."""
        sql = """DELETE FROM recalled_contents WHERE submission IN
                 (SELECT submission FROM recalls WHERE named = 1 AND done < ?)"""
        with self.transaction():
            self._write(sql, to_column(before))
            self._write("UPDATE recalls SET named = 0 WHERE named = 1 AND done < ?", to_column(before))

    def forget_deleted(self) -> None:
        """As far as the database can tell."""
        self._connection.forget_deleted()

    def submissions_of(self, device: str, after: str | None, limit: int) -> tuple[str, ...]:
        """By the index over devices and identifiers."""
        sql = "SELECT id FROM submissions WHERE device = ? AND id > ? ORDER BY id LIMIT ?"
        return tuple(row["id"] for row in self._rows(sql, device, after or "", limit))

    def _name_contents(self, recall: Recall) -> None:
        named = [(sha256, 0) for sha256 in recall.doomed] + [(sha256, 1) for sha256 in recall.kept]
        self._write_many(
            "INSERT INTO recalled_contents (submission, position, sha256, kept) VALUES (?, ?, ?, ?)",
            [(recall.submission, position, sha256, kept) for position, (sha256, kept) in enumerate(named)],
        )

    def _recall(self, row: Row | None) -> Recall | None:
        return None if row is None else self._full(row)

    def _full(self, row: Row) -> Recall:
        sql = "SELECT sha256, kept FROM recalled_contents WHERE submission = ? ORDER BY position"
        contents = self._rows(sql, row["submission"])
        return Recall(
            submission=row["submission"],
            device=row["device"],
            cause=msgspec.convert(row["cause"], Cause),
            asked=from_column(row["asked"]),
            task=row["task"],
            doomed=tuple(each["sha256"] for each in contents if not each["kept"]),
            kept=tuple(each["sha256"] for each in contents if each["kept"]),
            done=or_none(row["done"]),
        )
