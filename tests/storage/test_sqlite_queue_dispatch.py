from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.model import TaskState
from sampler.queue import Lane
from sampler.storage.sqlite import open_database
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.storage.sqlite_queue_rows import SCHEMA_STEPS, to_column
from sampler.storage.sqlite_queue_tasks_schema import TASKS_SCHEMA_STEP

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED: dict[str, Callable[[SqliteQueueLedger], object]] = {
    "lanes": lambda ledger: ledger.waiting_lanes(),
    "next": lambda ledger: ledger.next_task(Lane("analysis", "default")),
    "overdue": lambda ledger: ledger.overdue_tasks(NOW, 100),
    "misdated": lambda ledger: ledger.misdated_tasks(NOW, 100),
    "rested": lambda ledger: ledger.rested_tasks(NOW, 100),
    "change": lambda ledger: ledger.next_change(),
    "page": lambda ledger: ledger.tasks(state=TaskState.DEAD, after=None, limit=100),
    "offering": lambda ledger: ledger.offering("a" * 64, 10),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_each_lease_is_answered_from_an_index(tmp_path: Path, asked: str) -> None:
    """No question reads all tasks or sorts them, without any statistics about how many are in which state."""
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    database = ledger._connection.database  # type: ignore[attr-defined]  # the plan is SQLite's alone
    seen: list[str] = []
    database.set_trace_callback(seen.append)
    ASKED[asked](ledger)
    database.set_trace_callback(None)
    questions = [sql for sql in seen if sql.startswith(("SELECT", "WITH"))]
    plan = [row["detail"] for sql in questions for row in database.execute(f"EXPLAIN QUERY PLAN {sql}")]
    ledger.close()
    assert questions
    assert any("INDEX" in step for step in plan)
    assert not [
        step for step in plan if step.startswith(("SCAN tasks", "SCAN offered", "USE TEMP")) and "INDEX" not in step
    ]


def test_tasks_from_before_there_were_lanes_are_given_out(tmp_path: Path) -> None:
    """What waited waits in the one lane there is, what had failed rests until its moment, a lease still runs."""
    before = SCHEMA_STEPS[: SCHEMA_STEPS.index(TASKS_SCHEMA_STEP)]
    old = open_database(tmp_path / "queue.db", before)
    later = to_column(NOW + timedelta(seconds=60))
    for number, (state, attempts, expires) in enumerate(
        [("waiting", 0, None), ("waiting", 1, None), ("leased", 1, later), ("dead", 5, None)]
    ):
        old.execute("INSERT INTO submissions (id, device, received, manifest) VALUES (?, 'd', 0, x'')", [f"s{number}"])
        old.execute(
            """INSERT INTO tasks (id, submission, created, not_before, state, attempts, lease_digest, expires)
               VALUES (?, ?, ?, ?, ?, ?, 'digest', ?)""",
            [f"t{number}", f"s{number}", to_column(NOW), later, state, attempts, expires],
        )
    old.close()
    ledger = SqliteQueueLedger(tmp_path / "queue.db")
    lane = Lane("analysis", "default")
    first = ledger.next_task(lane)
    rested = ledger.rested_tasks(NOW + timedelta(seconds=60), 9)
    overdue = ledger.overdue_tasks(NOW + timedelta(seconds=60), 9)
    assert ledger.waiting_lanes() == (lane,)
    ledger.close()
    assert first is not None
    assert (first.id, first.priority, first.rank) == ("t0", 0, NOW)
    assert [(task.id, task.state) for task in (*rested, *overdue)] == [
        ("t1", TaskState.RESTING),
        ("t2", TaskState.LEASED),
    ]
