"""Who did what, in the queue's ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sampler.queue import AuditEntry, AuditQuestion
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, to_column
from sampler.wire.audit_messages import Action, AuditLine


class Auditing(Rows):
    """The part of ``queue.Ledger`` that keeps the audit log."""

    def add_act(self, entry: AuditEntry) -> None:
        """Append an entry."""
        self._insert(
            "audit",
            of="an entry of the audit log",
            happened=to_column(entry.at),
            actor=entry.actor,
            role=entry.role,
            tenant=entry.tenant,
            action=entry.action.value,
            subject=entry.subject,
            detail=entry.detail,
        )

    def loose_acts(self, limit: int) -> tuple[tuple[int, AuditEntry], ...]:
        """Entries without a place in the chain."""
        self._connection.in_order("audit")  # of several servers one makes the chain longer at a time
        rows = self._rows("SELECT * FROM audit WHERE place IS NULL ORDER BY number LIMIT ?", limit)
        return tuple((row["number"], _entry(row)) for row in rows)

    def last_in_chain(self) -> AuditLine | None:
        """The entry at the chain's end."""
        row = self._row("SELECT * FROM audit WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1")
        return None if row is None else _line(row)

    def chain_acts(self, lines: Sequence[tuple[int, AuditLine]]) -> None:
        """Give entries their places."""
        rows = [(line.position, line.chain, number) for number, line in lines]
        self._write_many("UPDATE audit SET place = ?, chain = ? WHERE number = ?", rows)

    def audit(self, asked: AuditQuestion, after: int, limit: int) -> tuple[AuditLine, ...]:
        """Entries that are asked for, in the chain's order."""
        conditions = _conditions(asked)
        wanted = "".join(f"{condition} AND " for condition in conditions)
        sql = f"SELECT * FROM audit WHERE {wanted}place > ? ORDER BY place LIMIT ?"  # noqa: S608  # our own words
        return tuple(_line(row) for row in self._rows(sql, *conditions.values(), after, limit))

    def forget_acts(self, before: datetime, limit: int) -> int:
        """Remove entries that are older than this, from the chain's start on."""
        first = self._rows("SELECT place, happened FROM audit WHERE place IS NOT NULL ORDER BY place LIMIT ?", limit)
        kept = next((row["place"] for row in first if row["happened"] >= to_column(before)), None)
        if kept is None and first:
            kept = first[-1]["place"]  # the newest of them stays, since the chain goes on from the last entry
        return 0 if kept is None else self._write("DELETE FROM audit WHERE place < ?", kept)


def _conditions(asked: AuditQuestion) -> dict[str, Any]:
    conditions = {
        "tenant = ?": asked.tenant,
        "actor = ?": asked.actor,
        "action = ?": None if asked.action is None else asked.action.value,
        "subject = ?": asked.subject,
        "happened >= ?": None if asked.since is None else to_column(asked.since),
        "happened < ?": None if asked.until is None else to_column(asked.until),
    }
    return {condition: value for condition, value in conditions.items() if value is not None}


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        at=from_column(row["happened"]),
        actor=row["actor"],
        role=row["role"],
        tenant=row["tenant"],
        action=Action(row["action"]),
        subject=row["subject"],
        detail=row["detail"],
    )


def _line(row: Row) -> AuditLine:
    return AuditLine(
        position=row["place"],
        at=from_column(row["happened"]),
        actor=row["actor"],
        role=row["role"],
        tenant=row["tenant"],
        action=Action(row["action"]),
        subject=row["subject"],
        detail=row["detail"],
        chain=row["chain"],
    )
