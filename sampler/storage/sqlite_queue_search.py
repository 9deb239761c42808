"""The index over submissions in SQL: terms as numbers, digests under their bands, and what the index is behind on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from sampler.queue import Behind, Candidates, Numbered, Submission, Task
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_dispatch import Dispatch
from sampler.storage.sqlite_queue_recalling import Recalling
from sampler.storage.sqlite_queue_receiving import Receiving
from sampler.storage.sqlite_queue_rows import Rows, from_column, marks, to_column

_COUNTED_MAX_COUNT: Final = 1_000
"""Entries of a term that are counted to find the rarest one."""
_COLUMNS: Final = "number, id, device, received, manifest, tenant"


class Noting(Receiving, Dispatch, Recalling):
    """Notes, in the transaction that changes a submission or its task, that the index is behind on it."""

    def add_submission(self, submission: Submission, sizes: Mapping[str, int]) -> None:
        """Record a manifest and the contents it offers."""
        super().add_submission(submission, sizes)
        self._is_behind_on(submission.id, whole=True)

    def add_task(self, task: Task) -> None:
        """Record a new task."""
        super().add_task(task)
        self._is_behind_on(task.submission)

    def put_task(self, task: Task) -> None:
        """Replace a task by its next state."""
        super().put_task(task)
        self._is_behind_on(task.submission)

    def erase_submission(self, submission_id: str) -> tuple[str, ...]:
        """Empty its manifest, forget what hangs on it and all that it can be found by."""
        self.unindex(submission_id)
        return super().erase_submission(submission_id)

    def unindex(self, submission_id: str) -> None:
        """Let a submission be found by nothing any more."""
        self._write("DELETE FROM search_behind WHERE submission = ?", submission_id)
        row = self._row("SELECT number FROM submissions WHERE id = ?", submission_id)
        if row is None:
            return
        self._write("DELETE FROM search_terms WHERE submission = ?", row["number"])
        gone = self._row("DELETE FROM search_digests WHERE submission = ? RETURNING digest, bands", row["number"])
        if gone is not None and self._row("SELECT 1 FROM search_digests WHERE digest = ?", gone["digest"]) is None:
            bands = [(band, gone["digest"]) for band in msgspec.json.decode(gone["bands"], type=list[int])]
            self._write_many("DELETE FROM search_bands WHERE band = ? AND digest = ?", bands)

    def _is_behind_on(self, submission_id: str, *, whole: bool = False) -> None:
        """A row that is there is touched, so that whoever takes it at this moment waits for this change."""
        sql = """INSERT INTO search_behind (submission, whole) VALUES (?, ?)
                 ON CONFLICT (submission) DO UPDATE SET whole = search_behind.whole"""
        self._write(sql, submission_id, int(whole))


class Searching(Rows):
    """The part of ``queue.Ledger`` that finds submissions."""

    def take_behind(self, limit: int) -> tuple[Behind, ...]:
        """Take submissions off the list."""
        sql = """DELETE FROM search_behind WHERE number IN (SELECT number FROM search_behind ORDER BY number LIMIT ?)
                 RETURNING submission, whole"""
        whole = {row["submission"]: bool(row["whole"]) for row in self._rows(sql, limit)}
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM submissions WHERE id IN {marks(list(whole))} ORDER BY number",  # noqa: S608  # ours
            *whole,
        )
        return tuple(Behind(row["number"], _submission(row), whole[row["id"]]) for row in rows)

    def behind(self, most: int) -> int:
        """How many there are on that list."""
        return self._number("SELECT count(*) FROM (SELECT 1 FROM search_behind LIMIT ?) AS found", most)

    def put_terms(self, number: int, terms: Collection[int], *, instead_of: Collection[int] = ()) -> None:
        """Let a submission be found by these terms, and no longer by those."""
        self._write_many(
            "DELETE FROM search_terms WHERE term = ? AND submission = ?",
            [(term, number) for term in sorted(instead_of)],
        )
        self._write_many(
            "INSERT INTO search_terms (term, submission) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(term, number) for term in sorted(terms)],
        )

    def put_digest(self, number: int, digest: str, bands: Sequence[int]) -> None:
        """Let a submission's similarity digest be found under these bands."""
        sql = "INSERT INTO search_digests (submission, digest, bands) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._write(sql, number, digest, msgspec.json.encode(bands).decode())
        self._write_many(
            "INSERT INTO search_bands (band, digest) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(band, digest) for band in bands],
        )

    def digests_under(self, bands: Sequence[int], limit: int) -> frozenset[str]:
        """Digests under any of these bands."""
        sql = f"SELECT digest FROM search_bands WHERE band IN {marks(bands)} LIMIT ?"  # noqa: S608  # question marks only
        return frozenset(row["digest"] for row in self._rows(sql, *bands, limit))

    def number_at(self, moment: datetime) -> int | None:
        """The number of the first submission that came at this moment or later."""
        sql = "SELECT number FROM submissions WHERE received >= ? ORDER BY received, number LIMIT 1"
        row = self._row(sql, to_column(moment))
        return None if row is None else int(row["number"])

    def candidates(self, terms: Sequence[int], *, least: int, below: int, limit: int, reads: int) -> Candidates:
        """Submissions with all these terms, read along the rarest."""
        order = sorted(terms, key=lambda term: self._entries(term, least, below)) if len(terms) > 1 else terms
        along, values = _along(order[:1])
        read = (*values, least, below, reads)
        others = "".join(
            " AND EXISTS (SELECT 1 FROM search_terms WHERE term = ? AND submission = read.number)" for _ in order[1:]
        )
        sql = f"SELECT number FROM ({along}) AS read WHERE 1 = 1{others} ORDER BY number DESC LIMIT ?"  # noqa: S608  # ours
        numbers = tuple(int(row["number"]) for row in self._rows(sql, *read, *order[1:], limit))
        if len(numbers) >= limit:
            return Candidates(numbers, numbers[-1])
        end = self._rows(f"SELECT count(*) AS entries, min(number) AS least FROM ({along}) AS read", *read)[0]  # noqa: S608  # ours
        return Candidates(numbers, int(end["least"]) if end["entries"] >= reads else None)

    def numbered(self, numbers: Sequence[int]) -> tuple[Numbered, ...]:
        """The submissions with these numbers."""
        sql = f"SELECT {_COLUMNS} FROM submissions WHERE number IN {marks(numbers)} ORDER BY number DESC"  # noqa: S608  # ours
        return tuple(Numbered(row["number"], _submission(row)) for row in self._rows(sql, *numbers))

    def _entries(self, term: int, least: int, below: int) -> int:
        """How many entries a term has, as far as it matters for which one is read."""
        along, values = _along([term])
        return self._number(f"SELECT count(*) FROM ({along}) AS read", *values, least, below, _COUNTED_MAX_COUNT)  # noqa: S608  # ours


def _along(terms: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """What is read, newest first: the entries of a term, or all submissions; its last three values are the bounds."""
    if not terms:
        sql = "SELECT number FROM submissions WHERE number >= ? AND number < ? ORDER BY number DESC LIMIT ?"
        return sql, ()
    sql = """SELECT submission AS number FROM search_terms WHERE term = ? AND submission >= ? AND submission < ?
             ORDER BY submission DESC LIMIT ?"""
    return sql, (terms[0],)


def _submission(row: Row) -> Submission:
    return Submission(row["id"], row["device"], from_column(row["received"]), row["manifest"], row["tenant"])
