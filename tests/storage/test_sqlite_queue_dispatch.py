from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.model import TaskState
from sampler.queue import Lane
from sampler.storage.sqlite_queue import SqliteQueueLedger

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED: dict[str, Callable[[SqliteQueueLedger], object]] = {
    "lanes": lambda ledger: ledger.waiting_lanes(),
    "next": lambda ledger: ledger.next_task(Lane("analysis", "default")),
    "overdue": lambda ledger: ledger.overdue_tasks(NOW, 100),
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
