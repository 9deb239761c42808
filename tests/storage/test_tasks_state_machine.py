"""Every way of giving out work, in any order, over two ledgers at once: SQLite says what the plainest one says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sampler.errors import Conflict
from sampler.model import Conclusion, TaskState, Verdict
from sampler.queue import Ledger, RetryRules, Stage, Submission, Task, dispatch, tasks
from sampler.queue.dispatch import Leasing
from sampler.runtime.backoff import Backoff
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.storage.sqlite_queue import SqliteQueueLedger

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULES = RetryRules(max_attempts=2, backoff=Backoff(first_seconds=10, most_seconds=40))
ONE = (Stage(),)
THREE = (Stage("static", optional=True), Stage("sandbox", only_after=(Conclusion.SUSPICIOUS,)), Stage("person"))
TENANTS = st.sampled_from(["bank", "shop"])
CONCLUSIONS = st.sampled_from([Conclusion.SUSPICIOUS, Conclusion.BENIGN])


class Dispatching(RuleBasedStateMachine):
    """Hosts, workers, a clock, a sweeper and a person."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sampler-test-"))
        sqlite = SqliteQueueLedger(self.folder / "queue.db")
        sqlite._connection.database.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]  # no power is cut
        self.ledgers: tuple[Ledger, ...] = (MemoryQueueLedger(), sqlite)
        self.now = NOW
        self.made = 0
        self.leases: list[tuple[str, str]] = []

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        shutil.rmtree(self.folder)

    def ask(self, question: Callable[[Ledger], Any]) -> Any:
        """What both answer; ``None`` where both refuse."""
        first, second = (_answer(question, ledger) for ledger in self.ledgers)
        assert first == second
        return first

    @rule(tenant=TENANTS, priority=st.integers(0, 100), plan=st.sampled_from([ONE, THREE]))
    def submit(self, tenant: str, priority: int, plan: tuple[Stage, ...]) -> None:
        self.made += 1
        submission = Submission(f"s{self.made}", "d", self.now, b"{}", tenant)
        task = Task(f"t{self.made}", submission.id, self.now, self.now, priority=priority, tenant=tenant, plan=plan)
        self.ask(lambda ledger: ledger.add_submission(submission, {}))
        self.ask(lambda ledger: ledger.add_task(task))

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(
        tenant=st.none() | TENANTS,
        kinds=st.sampled_from([frozenset(), frozenset({"static", "sandbox"}), frozenset({"person"})]),
        chance=st.floats(0, 0.99),
    )
    def lease(self, tenant: str | None, kinds: frozenset[str], chance: float) -> None:
        asked = Leasing("w", f"token{len(self.leases)}", 30, kinds=kinds, tenant=tenant)
        placed = self.ask(lambda ledger: dispatch.lease(ledger, asked, RULES, lambda: chance, self.now))
        if placed is not None:
            assert asked.serves(placed.task.lane)
            self.leases.append((placed.task.id, asked.token))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), conclusion=CONCLUSIONS)
    def complete(self, data: st.DataObject, conclusion: Conclusion) -> None:
        task_id, token = data.draw(st.sampled_from(self.leases))
        verdict = Verdict(conclusion, 50, "analyzer", self.now)
        self._change(task_id, partial(tasks.complete, token=token, verdict=verdict, now=self.now))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), retry=st.booleans())
    def fail(self, data: st.DataObject, retry: bool) -> None:
        task_id, token = data.draw(st.sampled_from(self.leases))
        step = partial(tasks.fail, token=token, reason="r", retry=retry, rules=RULES, chance=0.5, now=self.now)
        self._change(task_id, step)

    @precondition(lambda self: self.made)
    @rule(data=st.data(), cancel=st.booleans())
    def decide(self, data: st.DataObject, cancel: bool) -> None:
        task_id = f"t{data.draw(st.integers(1, self.made))}"
        step = partial(tasks.cancel, reason="a person") if cancel else partial(tasks.requeue, now=self.now)
        self._change(task_id, step)

    @rule()
    def sweep(self) -> None:
        self.ask(lambda ledger: dispatch.settle(ledger, RULES, lambda: 0.5, self.now))

    def _change(self, task_id: str, step: Callable[[Task], Task]) -> None:
        self.ask(lambda ledger: dispatch.change(ledger, task_id, step))

    @invariant()
    def both_know_the_same(self) -> None:
        self.ask(lambda ledger: ledger.tasks(state=None, after=None, limit=1000))
        self.ask(lambda ledger: sorted(ledger.waiting_lanes()))
        self.ask(lambda ledger: ledger.next_change())

    @invariant()
    def a_verdict_is_on_its_way_exactly_when_a_task_is_done(self) -> None:
        done = self.ask(lambda ledger: ledger.tasks(state=TaskState.DONE, after=None, limit=1000))
        told = self.ask(lambda ledger: ledger.verdicts("d", 0, 1000))
        assert sorted(task.submission for task in done) == sorted(record.submission for record in told)

    @invariant()
    def whoever_waits_is_in_a_lane(self) -> None:
        waiting = self.ask(lambda ledger: ledger.tasks(state=TaskState.WAITING, after=None, limit=1000))
        for lane in {task.lane for task in waiting}:
            first = self.ask(partial(_next, lane=lane))
            assert first.rank == min(task.rank for task in waiting if task.lane == lane)


def _next(ledger: Ledger, lane: tasks.Lane) -> Task | None:
    return ledger.next_task(lane)


def _answer(question: Callable[[Ledger], Any], ledger: Ledger) -> Any:
    try:
        return question(ledger)
    except Conflict:
        return None


TestDispatching = Dispatching.TestCase
TestDispatching.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
