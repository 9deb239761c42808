"""Retention in SQL: until when submissions are kept, holds, and bytes that are still to be destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from sampler.queue import Due, Facts, Hold, Kept
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, or_none, to_column
from sampler.storage.sqlite_queue_search import Noting
from sampler.wire.retention_messages import HoldKind, Part

_NOT_HELD: Final = """NOT EXISTS (SELECT 1 FROM holds WHERE lifted IS NULL AND (
        (kind = 'submission' AND target = retention.id) OR (kind = 'device' AND target = retention.device)
        OR (kind = 'content' AND EXISTS (
            SELECT 1 FROM offered WHERE offered.submission = retention.id AND offered.sha256 = holds.target))))"""
_IS_WHOLE: Final = "EXISTS (SELECT 1 FROM tasks WHERE tasks.submission = retention.id)"
_IS_RECEIPTED: Final = "NOT EXISTS (SELECT 1 FROM receipts_due WHERE receipts_due.submission = retention.id)"
_DUE: Final = {
    Part.CONTENTS: ("contents_due", f"contents_gone IS NULL AND {_IS_WHOLE} AND {_NOT_HELD}"),
    Part.RECORDS: ("records_due", f"{_IS_RECEIPTED} AND {_NOT_HELD}"),
}


class _About(msgspec.Struct, frozen=True):
    """What of a record is not looked for."""

    facts: Facts
    contents_why: str
    records_why: str


_decoder = msgspec.json.Decoder(_About)


class Retaining(Noting):
    """The part of ``queue.Ledger`` that keeps what came in no longer than it may."""

    def unindex(self, submission_id: str) -> None:
        """Let a submission be found by nothing, and wait for nothing, any more."""
        super().unindex(submission_id)
        sql = "DELETE FROM retention WHERE submission = (SELECT number FROM submissions WHERE id = ?)"
        self._write(sql, submission_id)

    def put_kept(self, kept: Kept) -> None:
        """Record until when a submission is kept."""
        columns = _columns(kept)
        marks = ", ".join("?" * len(columns))
        others = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "submission")
        sql = f"""INSERT INTO retention ({", ".join(columns)}) VALUES ({marks})
                  ON CONFLICT (submission) DO UPDATE SET {others}"""  # noqa: S608  # names are keywords of our code
        self._write(sql, *columns.values())

    def kept(self, number: int) -> Kept | None:
        """Until when a submission is kept."""
        row = self._row("SELECT * FROM retention WHERE submission = ?", number)
        return None if row is None else _kept(row)

    def kept_by_others(self, policy: str, limit: int) -> tuple[Kept, ...]:
        """Submissions whose times were made by other rules; along the index, not past all that have these."""
        before = self._rows("SELECT * FROM retention WHERE rules < ? LIMIT ?", policy, limit)
        behind = self._rows("SELECT * FROM retention WHERE rules > ? LIMIT ?", policy, limit - len(before))
        return tuple(_kept(row) for row in (*before, *behind))

    def due(self, part: Part, now: datetime, *, after: tuple[datetime, int] | None, limit: int) -> tuple[Kept, ...]:
        """Submissions that are due and that no hold is on."""
        moment, holds = _DUE[part]
        since, number = (0, -1) if after is None else (to_column(after[0]), after[1])
        sql = f"""SELECT * FROM retention WHERE {moment} <= ? AND ({moment} > ? OR ({moment} = ? AND submission > ?))
                  AND {holds} ORDER BY {moment}, submission LIMIT ?"""  # noqa: S608  # all of it is ours
        return tuple(_kept(row) for row in self._rows(sql, to_column(now), since, since, number, limit))

    def is_kept_on(self, day: date, tenant: str) -> bool:
        """Whether any submission of a tenant that came on this day is kept."""
        sql = "SELECT 1 FROM retention WHERE day = ? AND tenant = ? LIMIT 1"
        return self._row(sql, day.toordinal(), tenant) is not None

    def release_contents(self, submission_id: str) -> None:
        """The submission offers nothing any more."""
        self._write("DELETE FROM offered WHERE submission = ?", submission_id)

    def end_submission(self, submission_id: str) -> tuple[str, ...]:
        """Forget all of it but its receipt; its uploads."""
        self.unindex(submission_id)
        rows = self._rows("DELETE FROM uploads WHERE submission = ? RETURNING id", submission_id)
        for table in ("offered", "tasks", "verdicts", "listed_verdicts"):
            self._write(f"DELETE FROM {table} WHERE submission = ?", submission_id)  # noqa: S608  # names are ours
        self._write("UPDATE submissions SET manifest = ? WHERE id = ?", b"", submission_id)
        return tuple(row["id"] for row in rows)


class Destroying(Rows):
    """What retention remembers beside the submissions."""

    def add_doomed(self, hashes: Sequence[str]) -> None:
        """Note contents whose bytes are to be destroyed."""
        sql = "INSERT INTO retention_doomed (sha256) VALUES (?) ON CONFLICT DO NOTHING"
        self._write_many(sql, [(sha256,) for sha256 in hashes])

    def doomed(self, limit: int) -> tuple[str, ...]:
        """Contents whose bytes are to be destroyed."""
        rows = self._rows("SELECT sha256 FROM retention_doomed ORDER BY sha256 LIMIT ?", limit)
        return tuple(row["sha256"] for row in rows)

    def remove_doomed(self, sha256: str) -> None:
        """The bytes of this content are gone, or wanted again."""
        self._write("DELETE FROM retention_doomed WHERE sha256 = ?", sha256)

    def note_policy(self, digest: str, now: datetime) -> datetime:
        """Since when these rules are in force."""
        sql = """INSERT INTO retention_rules (place, digest, since) VALUES (1, ?, ?) ON CONFLICT (place) DO UPDATE
                 SET digest = excluded.digest, since = excluded.since WHERE retention_rules.digest <> excluded.digest"""
        self._write(sql, digest, to_column(now))
        return from_column(self._number("SELECT since FROM retention_rules WHERE place = 1"))

    def add_hold(self, hold: Hold) -> None:
        """Record a hold."""
        self._insert("holds", of=f"hold {hold.id}", **_hold_columns(hold))

    def put_hold(self, hold: Hold) -> None:
        """Replace a hold."""
        lifted = None if hold.lifted is None else to_column(hold.lifted)
        self._write("UPDATE holds SET lifted_by = ?, lifted = ? WHERE id = ?", hold.lifted_by, lifted, hold.id)

    def hold(self, hold_id: str) -> Hold | None:
        """The hold with this identifier."""
        row = self._row("SELECT * FROM holds WHERE id = ?", hold_id)
        return None if row is None else _hold(row)

    def holds(self, *, lifted: bool, limit: int) -> tuple[Hold, ...]:
        """Holds, the newest first."""
        which = "" if lifted else "WHERE lifted IS NULL"
        sql = f"SELECT * FROM holds {which} ORDER BY number DESC LIMIT ?"  # noqa: S608  # ours
        return tuple(_hold(row) for row in self._rows(sql, limit))


def _columns(kept: Kept) -> dict[str, Any]:
    about = _About(kept.facts, kept.due.contents_why, kept.due.records_why)
    return {
        "submission": kept.number,
        "id": kept.submission,
        "device": kept.facts.device,
        "tenant": kept.facts.tenant,
        "day": kept.facts.day.toordinal(),
        "contents_due": to_column(kept.due.contents),
        "records_due": to_column(kept.due.records),
        "contents_gone": None if kept.contents_gone is None else to_column(kept.contents_gone),
        "rules": kept.policy,
        "about": msgspec.json.encode(about).decode(),
    }


def _kept(row: Row) -> Kept:
    about = _decoder.decode(row["about"])
    due = Due(from_column(row["contents_due"]), from_column(row["records_due"]), about.contents_why, about.records_why)
    return Kept(row["submission"], row["id"], about.facts, due, row["rules"], or_none(row["contents_gone"]))


def _hold_columns(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "kind": hold.kind,
        "target": hold.target,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed": to_column(hold.placed),
        "lifted_by": hold.lifted_by,
        "lifted": None if hold.lifted is None else to_column(hold.lifted),
    }


def _hold(row: Row) -> Hold:
    return Hold(
        id=row["id"],
        kind=HoldKind(row["kind"]),
        target=row["target"],
        reason=row["reason"],
        placed_by=row["placed_by"],
        placed=from_column(row["placed"]),
        lifted_by=row["lifted_by"],
        lifted=or_none(row["lifted"]),
    )
