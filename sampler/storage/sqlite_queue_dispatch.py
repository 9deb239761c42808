"""Tasks and verdicts in SQLite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sampler.model import TaskState, Verdict
from sampler.queue import Task, VerdictRecord
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, or_none, to_column

_verdict_decoder = msgspec.json.Decoder(Verdict)


class Dispatch(Rows):
    """The part of ``queue.Ledger`` that says what is worked on and what came of it."""

    def add_task(self, task: Task) -> None:
        """Record a new task."""
        self._insert("tasks", of=f"the task of submission {task.submission}", **_columns(task))

    def put_task(self, task: Task) -> None:
        """Replace a task by its next state."""
        columns = _columns(task)
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE tasks SET {names} WHERE id = ?"  # noqa: S608  # names are keywords of our code
        self._write(sql, *columns.values(), task.id)

    def task(self, task_id: str) -> Task | None:
        """The task with this identifier."""
        return _task_or_none(self._row("SELECT * FROM tasks WHERE id = ?", task_id))

    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""
        return _task_or_none(self._row("SELECT * FROM tasks WHERE submission = ?", submission_id))

    def next_task(self, now: datetime) -> Task | None:
        """The waiting task that has been due longest."""
        sql = """SELECT * FROM tasks WHERE state = 'waiting' AND not_before <= ?
                 ORDER BY not_before, number LIMIT 1"""
        return _task_or_none(self._row(sql, to_column(now)))

    def overdue_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Leased tasks whose lease has run out."""
        sql = "SELECT * FROM tasks WHERE state = 'leased' AND expires <= ? ORDER BY expires, number LIMIT ?"
        return tuple(_task(row) for row in self._rows(sql, to_column(now), limit))

    def next_change(self) -> datetime | None:
        """The soonest moment at which a waiting task becomes due or a lease runs out."""
        sql = """SELECT min(moment) AS soonest FROM (
                     SELECT min(not_before) AS moment FROM tasks WHERE state = 'waiting'
                     UNION ALL SELECT min(expires) FROM tasks WHERE state = 'leased') AS moments"""
        return or_none(self._rows(sql)[0]["soonest"])

    def tasks(self, *, state: TaskState | None, after: str | None, limit: int) -> tuple[Task, ...]:
        """Tasks in the order in which they appeared, beginning behind the task ``after``."""
        number = 0 if after is None else self._number("SELECT coalesce(max(number), 0) FROM tasks WHERE id = ?", after)
        if state is None:
            rows = self._rows("SELECT * FROM tasks WHERE number > ? ORDER BY number LIMIT ?", number, limit)
        else:
            sql = "SELECT * FROM tasks WHERE state = ? AND number > ? ORDER BY number LIMIT ?"
            rows = self._rows(sql, state, number, limit)
        return tuple(_task(row) for row in rows)

    def task_counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state that has any."""
        rows = self._rows("SELECT state, count(*) AS tasks FROM tasks GROUP BY state")
        return {TaskState(row["state"]): int(row["tasks"]) for row in rows}

    def add_verdict(self, device: str, submission_id: str, verdict: Verdict) -> int:
        """Append a verdict for a device; its cursor."""
        self._connection.in_order(f"verdicts/{device}")  # a cursor that a reader has passed is never filled later
        text = _to_text(verdict)
        return self._insert(
            "verdicts", of="the verdict", numbered="cursor", device=device, submission=submission_id, verdict=text
        )

    def verdicts(self, device: str, after: int, limit: int) -> tuple[VerdictRecord, ...]:
        """A device's verdicts behind a cursor, oldest first."""
        sql = "SELECT * FROM verdicts WHERE device = ? AND cursor > ? ORDER BY cursor LIMIT ?"
        return tuple(
            VerdictRecord(row["cursor"], row["device"], row["submission"], _from_text(row["verdict"]))
            for row in self._rows(sql, device, after, limit)
        )


def _columns(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "submission": task.submission,
        "created": to_column(task.created),
        "not_before": to_column(task.not_before),
        "state": task.state,
        "attempts": task.attempts,
        "worker": task.worker,
        "lease_digest": task.lease_digest,
        "expires": None if task.expires is None else to_column(task.expires),
        "failure": task.failure,
        "verdict": None if task.verdict is None else _to_text(task.verdict),
    }


def _task_or_none(row: Row | None) -> Task | None:
    return None if row is None else _task(row)


def _task(row: Row) -> Task:
    return Task(
        id=row["id"],
        submission=row["submission"],
        created=from_column(row["created"]),
        not_before=from_column(row["not_before"]),
        state=TaskState(row["state"]),
        attempts=row["attempts"],
        worker=row["worker"],
        lease_digest=row["lease_digest"],
        expires=or_none(row["expires"]),
        failure=row["failure"],
        verdict=None if row["verdict"] is None else _from_text(row["verdict"]),
    )


def _to_text(verdict: Verdict) -> str:
    return msgspec.json.encode(verdict).decode()


def _from_text(text: str) -> Verdict:
    return _verdict_decoder.decode(text)
