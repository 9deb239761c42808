"""Tasks and verdicts in SQLite."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from sampler.limits import LANES_MAX_COUNT
from sampler.model import TaskState, Verdict
from sampler.queue import Lane, Outcome, Stage, Task, VerdictRecord
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, or_none, to_column

_verdict_decoder = msgspec.json.Decoder(Verdict)
_plan_decoder = msgspec.json.Decoder(tuple[Stage, ...])
_outcomes_decoder = msgspec.json.Decoder(tuple[Outcome, ...])


class Dispatch(Rows):
    """The part of ``queue.Ledger`` that says what is worked on and what came of it."""

    def add_task(self, task: Task) -> None:
        """Record a new task."""
        columns = _lasting(task) | _changing(task)
        self._insert("tasks", of=f"the task of submission {task.submission}", **columns)

    def put_task(self, task: Task) -> None:
        """Replace a task by its next state."""
        columns = _changing(task)
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE tasks SET {names} WHERE id = ?"  # noqa: S608  # names are keywords of our code
        self._write(sql, *columns.values(), task.id)

    def task(self, task_id: str) -> Task | None:
        """The task with this identifier."""
        return _task_or_none(self._held_row("SELECT * FROM tasks WHERE id = ?", task_id))

    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""
        return _task_or_none(self._row("SELECT * FROM tasks WHERE submission = ?", submission_id))

    def waiting_lanes(self) -> tuple[Lane, ...]:
        """One step through the index a lane, however many tasks wait in each."""
        sql = """WITH RECURSIVE found (lane) AS (
                     SELECT min(lane) FROM tasks WHERE lane > ''
                     UNION ALL
                     SELECT (SELECT min(tasks.lane) FROM tasks WHERE tasks.lane > found.lane)
                     FROM found WHERE found.lane IS NOT NULL)
                 SELECT lane FROM found WHERE lane IS NOT NULL LIMIT ?"""
        return tuple(_lane_of(row["lane"]) for row in self._rows(sql, LANES_MAX_COUNT))

    def next_task(self, lane: Lane) -> Task | None:
        """The waiting task of a lane that has the earliest rank."""
        sql = "SELECT * FROM tasks WHERE lane = ? ORDER BY standing, number LIMIT 1"
        return next((_task(row) for row in self._claimed_rows(sql, _lane(lane))), None)

    def rested_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Resting tasks that are due, the longest first."""
        sql = "SELECT * FROM tasks WHERE wakes <= ? ORDER BY wakes, number LIMIT ?"
        return tuple(_task(row) for row in self._claimed_rows(sql, to_column(now), limit))

    def overdue_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Leased tasks whose lease has run out."""
        sql = "SELECT * FROM tasks WHERE expires <= ? ORDER BY expires, number LIMIT ?"
        return tuple(_task(row) for row in self._claimed_rows(sql, to_column(now), limit))

    def misdated_tasks(self, latest: datetime, limit: int) -> tuple[Task, ...]:
        """Tasks whose lease or rest ends after ``latest``."""
        sql = "SELECT * FROM tasks WHERE expires > ? OR wakes > ? LIMIT ?"
        return tuple(_task(row) for row in self._claimed_rows(sql, to_column(latest), to_column(latest), limit))

    def next_change(self) -> datetime | None:
        """The soonest moment at which a rest or a lease ends."""
        sql = """SELECT min(moment) AS soonest FROM (
                     SELECT min(wakes) AS moment FROM tasks WHERE wakes IS NOT NULL
                     UNION ALL SELECT min(expires) FROM tasks WHERE expires IS NOT NULL) AS moments"""
        return or_none(self._rows(sql)[0]["soonest"])

    def tasks(
        self, *, state: TaskState | None, after: str | None, limit: int, tenant: str | None = None
    ) -> tuple[Task, ...]:
        """Tasks in the order in which they appeared, beginning behind the task ``after``; a tenant's where named."""
        number = 0 if after is None else self._number("SELECT coalesce(max(number), 0) FROM tasks WHERE id = ?", after)
        asked = {name: value for name, value in (("state", state), ("tenant", tenant)) if value is not None}
        wanted = "".join(f"{name} = ? AND " for name in asked)
        sql = f"SELECT * FROM tasks WHERE {wanted}number > ? ORDER BY number LIMIT ?"  # noqa: S608  # names are our own
        return tuple(_task(row) for row in self._rows(sql, *asked.values(), number, limit))

    def task_counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state that has any."""
        rows = self._rows("SELECT state, count(*) AS tasks FROM tasks GROUP BY state")
        return {TaskState(row["state"]): int(row["tasks"]) for row in rows}

    def offering(self, sha256: str, limit: int) -> int:
        """How many submissions offer a content, counted up to ``limit``."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM offered WHERE sha256 = ? LIMIT ?) AS counted"
        return self._number(sql, sha256, limit)

    def add_verdict(self, device: str, submission_id: str, verdict: Verdict) -> int:
        """Append a verdict for a device; its cursor."""
        self._connection.in_order(f"verdicts/{device}")  # a cursor that a reader has passed is never filled later
        text = _to_text(verdict)
        return self._insert_numbered(
            "verdicts", "cursor", of="the verdict", device=device, submission=submission_id, verdict=text
        )

    def verdicts(self, device: str, after: int, limit: int) -> tuple[VerdictRecord, ...]:
        """A device's verdicts behind a cursor, oldest first."""
        sql = "SELECT * FROM verdicts WHERE device = ? AND cursor > ? ORDER BY cursor LIMIT ?"
        return tuple(
            VerdictRecord(row["cursor"], row["device"], row["submission"], _from_text(row["verdict"]))
            for row in self._rows(sql, device, after, limit)
        )


def _lasting(task: Task) -> dict[str, Any]:
    """What of a task never changes; an update that names none of it leaves the indexes over it alone."""
    return {
        "id": task.id,
        "submission": task.submission,
        "created": to_column(task.created),
        "priority": task.priority,
        "tenant": task.tenant,
        "stages": msgspec.json.encode(task.plan).decode(),
        "standing": to_column(task.rank),
    }


def _changing(task: Task) -> dict[str, Any]:
    return {
        "not_before": to_column(task.not_before),
        "state": task.state,
        "attempts": task.attempts,
        "worker": task.worker,
        "lease_digest": task.lease_digest,
        "expires": None if task.expires is None else to_column(task.expires),
        "failure": task.failure,
        "verdict": None if task.verdict is None else _to_text(task.verdict),
        "kind": task.lane.kind,
        "stage": task.stage,
        "outcomes": msgspec.json.encode(task.outcomes).decode(),
        "lane": _lane(task.lane) if task.state is TaskState.WAITING else None,
        "wakes": to_column(task.not_before) if task.state is TaskState.RESTING else None,
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
        priority=row["priority"],
        tenant=row["tenant"],
        plan=_plan_decoder.decode(row["stages"]),
        stage=row["stage"],
        outcomes=_outcomes_decoder.decode(row["outcomes"]),
    )


@lru_cache(maxsize=LANES_MAX_COUNT)
def _lane_of(text: str) -> Lane:
    return Lane(*text.split("/"))


def _lane(lane: Lane) -> str:
    return f"{lane.kind}/{lane.tenant}"  # neither can hold the slash


def _to_text(verdict: Verdict) -> str:
    return msgspec.json.encode(verdict).decode()


def _from_text(text: str) -> Verdict:
    return _verdict_decoder.decode(text)
