"""Submissions, contents and uploads in SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sampler.queue import Submission, Upload
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, marks, to_column
from sampler.wire.tenant_messages import DEFAULT_TENANT


class Receiving(Rows):
    """The part of ``queue.Ledger`` that says what came in."""

    def add_submission(self, submission: Submission, sizes: Mapping[str, int]) -> None:
        """Record a manifest and the contents it offers."""
        self._insert(
            "submissions",
            of=f"submission {submission.id}",
            id=submission.id,
            device=submission.device,
            received=to_column(submission.received),
            manifest=submission.manifest,
            tenant=submission.tenant,
        )
        self._write_many(
            "INSERT INTO offered (submission, position, sha256, size) VALUES (?, ?, ?, ?)",
            [(submission.id, position, sha256, size) for position, (sha256, size) in enumerate(sizes.items())],
        )

    def submission(self, submission_id: str) -> Submission | None:
        """The submission with this identifier."""
        row = self._row("SELECT * FROM submissions WHERE id = ?", submission_id)
        return None if row is None else _submission(row)

    def offered_size(self, submission_id: str, sha256: str) -> int | None:
        """How many bytes the submission says that this content has."""
        row = self._row("SELECT size FROM offered WHERE submission = ? AND sha256 = ?", submission_id, sha256)
        return None if row is None else int(row["size"])

    def missing(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers and that its tenant has not delivered yet."""
        sql = """SELECT offered.sha256 FROM offered JOIN submissions ON submissions.id = offered.submission
                 LEFT JOIN tenant_contents ON tenant_contents.tenant = submissions.tenant
                     AND tenant_contents.sha256 = offered.sha256
                 WHERE offered.submission = ? AND tenant_contents.sha256 IS NULL ORDER BY offered.position"""
        return tuple(row["sha256"] for row in self._rows(sql, submission_id))

    def receiving(self, sha256: str) -> tuple[str, ...]:
        """The submissions without a task that offer this content."""
        sql = """SELECT submissions.id FROM offered JOIN submissions ON submissions.id = offered.submission
                 LEFT JOIN tasks ON tasks.submission = submissions.id
                 WHERE offered.sha256 = ? AND tasks.id IS NULL ORDER BY submissions.number"""
        return tuple(row["id"] for row in self._rows(sql, sha256))

    def verified(self, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents the queue holds."""
        sql = f"SELECT sha256 FROM contents WHERE sha256 IN {marks(hashes)}"  # noqa: S608  # question marks only
        return frozenset(row["sha256"] for row in self._rows(sql, *hashes))

    def add_content(self, sha256: str, size: int, at: datetime, tenant: str = DEFAULT_TENANT) -> None:
        """Record a verified content, and that this tenant has delivered it; once more changes nothing."""
        self._write("INSERT INTO tenant_contents (tenant, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING", tenant, sha256)
        sql = "INSERT INTO contents (sha256, size, verified) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._write(sql, sha256, size, to_column(at))

    def add_upload(self, upload: Upload) -> None:
        """Record an upload."""
        self._insert(
            "uploads",
            of=f"upload {upload.id}",
            id=upload.id,
            submission=upload.submission,
            device=upload.device,
            sha256=upload.sha256,
            size=upload.size,
            expires=to_column(upload.expires),
            offset=upload.offset,
            metadata=upload.metadata,
        )

    def upload(self, upload_id: str) -> Upload | None:
        """The upload with this identifier."""
        row = self._row("SELECT * FROM uploads WHERE id = ?", upload_id)
        return None if row is None else _upload(row)

    def upload_for(self, submission_id: str, sha256: str) -> Upload | None:
        """The upload that brings this content to this submission."""
        row = self._row("SELECT * FROM uploads WHERE submission = ? AND sha256 = ?", submission_id, sha256)
        return None if row is None else _upload(row)

    def uploads(self) -> tuple[Upload, ...]:
        """All that are not finished."""
        return tuple(_upload(row) for row in self._rows("SELECT * FROM uploads WHERE offset < size ORDER BY id"))

    def open_uploads(self, device: str) -> int:
        """How many of a device's uploads are not finished."""
        return self._number("SELECT count(*) FROM uploads WHERE device = ? AND offset < size", device)

    def move_upload(self, upload_id: str, offset: int, expires: datetime) -> bool:
        """Set what was acknowledged and when it expires."""
        sql = "UPDATE uploads SET offset = ?, expires = ? WHERE id = ?"
        return self._write(sql, offset, to_column(expires), upload_id) > 0

    def remove_upload(self, upload_id: str) -> bool:
        """Forget an upload."""
        return self._write("DELETE FROM uploads WHERE id = ?", upload_id) > 0

    def expired_uploads(self, now: datetime, limit: int) -> tuple[Upload, ...]:
        """Uploads, finished or not, whose time is over."""
        sql = "SELECT * FROM uploads WHERE expires <= ? ORDER BY expires, id LIMIT ?"
        return tuple(_upload(row) for row in self._rows(sql, to_column(now), limit))


def _submission(row: Row) -> Submission:
    return Submission(row["id"], row["device"], from_column(row["received"]), row["manifest"], row["tenant"])


def _upload(row: Row) -> Upload:
    return Upload(
        id=row["id"],
        submission=row["submission"],
        device=row["device"],
        sha256=row["sha256"],
        size=row["size"],
        expires=from_column(row["expires"]),
        offset=row["offset"],
        metadata=row["metadata"],
    )
