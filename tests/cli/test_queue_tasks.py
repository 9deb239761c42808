from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from sampler.cli import queue_tasks
from sampler.model import Conclusion, TaskState
from sampler.wire.messages import CancelRequest, ObjectMessage, StageView, TaskPage, TaskView, VerdictMessage

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SAID = VerdictMessage(conclusion=Conclusion.SUSPICIOUS, score=60, analyzer="rules", at=NOW, note="severity medium\x1b")
STAGES = [
    StageView(kind="static", verdict=SAID),
    StageView(kind="sandbox", failure="no machine"),
    StageView(kind="person"),
]


def _task(number: int, state: TaskState, **values: Any) -> TaskView:
    task_id = f"00000000-0000-4000-8000-{number:012}"
    whole = ObjectMessage(sha256="a" * 64, size=123_456)
    return TaskView(id=task_id, state=state, submission=task_id, object=whole, created=NOW, **values)


class Queue:
    """A client whose queue is a list."""

    def __init__(self) -> None:
        matches: list[Any] = [{"rule.name": "A_Rule_With_A_Rather_Long_Name_That_Says_What_It_Finds"}]
        staged = _task(1, TaskState.RESTING, priority=100, attempts=4, stage=2, stages=STAGES, matches=matches)
        self.held = [staged, _task(2, TaskState.DEAD), _task(3, TaskState.DEAD), _task(4, TaskState.CANCELLED)]
        self.reasons: list[str] = []

    async def tasks(self, *, state: str | None = None, after: str | None = None, limit: int = 1) -> TaskPage:
        return TaskPage(tasks=[task for task in self.held if state in (None, task.state)][:limit])

    async def task(self, task_id: str) -> TaskView:
        return next(task for task in self.held if task.id == task_id)

    async def requeue(self, task_id: str) -> TaskView:
        return self._set(await self.task(task_id), TaskState.WAITING)

    async def cancel(self, task_id: str, request: CancelRequest) -> TaskView:
        self.reasons.append(request.reason)
        return self._set(await self.task(task_id), TaskState.CANCELLED)

    def _set(self, task: TaskView, state: TaskState) -> TaskView:
        after = msgspec.structs.replace(task, state=state)
        self.held[self.held.index(task)] = after
        return after


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()

    def ask(_config: Path | None, question: Callable[[Any], Awaitable[object]]) -> object:
        return asyncio.run(_awaited(question(made)))

    monkeypatch.setattr(queue_tasks, "with_client", ask)
    return made


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def _say(*words: str) -> Result:
    return CliRunner().invoke(queue_tasks.tasks, words, env={"COLUMNS": "80"})


def test_a_list_fits_a_terminal(queue: Queue) -> None:
    """State, stage, priority and tries stand beside each task, in 80 columns."""
    lines = _say("list").output.splitlines()
    assert max(map(len, lines)) <= 80
    first = next(line for line in lines if queue.held[0].id in line)
    assert {"resting", "100", "4"} <= set(first.split())
    assert any("person 3/3" in line for line in lines)


def test_a_task_is_shown_with_its_stages(queue: Queue) -> None:
    """Each stage says what it concluded or why not, and nothing of it steers the terminal; JSON has all."""
    said = _say("show", queue.held[0].id)
    assert max(map(len, said.output.splitlines())) <= 80
    assert "\x1b" not in said.output
    for words in ("static", "suspicious", "rules: severity medium", "no machine", "person"):
        assert words in said.output
    assert json.loads(_say("show", queue.held[0].id, "--json").output)["stage"] == 2


def test_dead_letters_are_requeued_together(queue: Queue) -> None:
    """All of a state, page by page until none is left, or those that are named; nothing named is no wish."""
    assert _say("requeue", "--all", "dead").output.count("waiting") == 2
    assert [task.state for task in queue.held[1:]] == [TaskState.WAITING, TaskState.WAITING, TaskState.CANCELLED]
    assert _say("requeue", queue.held[3].id).exit_code == 0
    assert queue.held[3].state is TaskState.WAITING
    assert _say("requeue").exit_code == 2
    assert _say("requeue", "--all", "dead", queue.held[3].id).exit_code == 2


def test_a_task_is_cancelled_with_a_reason(queue: Queue) -> None:
    """Without one it is not."""
    assert _say("cancel", queue.held[0].id).exit_code == 2
    assert "cancelled" in _say("cancel", queue.held[0].id, "--reason", "a mistake").output
    assert queue.reasons == ["a mistake"]
