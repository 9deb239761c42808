from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sampler.errors import Conflict
from sampler.model import Conclusion, TaskState, Verdict
from sampler.queue import RetryRules, Task, tasks
from sampler.runtime.backoff import Backoff

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULES = RetryRules(max_attempts=3, backoff=Backoff(first_seconds=10, most_seconds=100))
WAITING = Task(id="t", submission="s", created=NOW, not_before=NOW)
VERDICT = Verdict(Conclusion.BENIGN, 3, "analyzer", NOW)


def _later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _leased(seconds: float = 60) -> Task:
    return tasks.lease(WAITING, worker="w", token="secret", seconds=seconds, now=NOW)


def test_a_lease_keeps_only_the_digest_of_its_token() -> None:
    """A leased task names its worker and its end, and its token appears nowhere in it."""
    leased = _leased()
    assert (leased.state, leased.worker, leased.attempts, leased.expires) == (TaskState.LEASED, "w", 1, _later(60))
    assert "secret" not in repr(leased)


def test_only_a_waiting_task_can_be_leased() -> None:
    """A task that somebody holds is a conflict for everybody else."""
    with pytest.raises(Conflict, match="leased, not waiting"):
        tasks.lease(_leased(), worker="x", token="other", seconds=1, now=NOW)


def test_renewing_counts_from_now() -> None:
    """A renewed lease ends the asked time after the moment of renewing."""
    assert tasks.renew(_leased(), token="secret", seconds=60, now=_later(50)).expires == _later(110)


@pytest.mark.parametrize(("token", "at"), [("other", 10), ("secret", 60), ("secret", 61)])
def test_a_foreign_or_outdated_lease_is_worth_nothing(token: str, at: float) -> None:
    """Another token, and the right one from the instant of its end on, can neither renew, complete nor fail."""
    task, now = _leased(), _later(at)
    with pytest.raises(Conflict):
        tasks.renew(task, token=token, seconds=60, now=now)
    with pytest.raises(Conflict):
        tasks.complete(task, token=token, verdict=VERDICT, now=now)
    with pytest.raises(Conflict):
        tasks.fail(task, token=token, reason="r", retry=True, rules=RULES, chance=0.5, now=now)


def test_completing_ends_the_task() -> None:
    """A completed task has its verdict and no lease that ends."""
    done = tasks.complete(_leased(), token="secret", verdict=VERDICT, now=_later(1))
    assert (done.state, done.verdict, done.expires) == (TaskState.DONE, VERDICT, None)


def test_the_same_report_again_changes_nothing() -> None:
    """A worker that lost the answer may repeat its report, even later; another verdict or token is a conflict."""
    done = tasks.complete(_leased(), token="secret", verdict=VERDICT, now=_later(1))
    assert tasks.complete(done, token="secret", verdict=replace(VERDICT, at=_later(9)), now=_later(999)) is done
    with pytest.raises(Conflict):
        tasks.complete(done, token="secret", verdict=replace(VERDICT, score=99), now=_later(2))
    with pytest.raises(Conflict):
        tasks.complete(done, token="other", verdict=VERDICT, now=_later(2))


def test_a_failed_task_rests_before_it_is_due_again() -> None:
    """After a failure the task waits, remembers why, and is due after the back-off of its attempt."""
    failed = tasks.fail(_leased(), token="secret", reason="why", retry=True, rules=RULES, chance=1.0, now=_later(1))
    assert (failed.state, failed.failure, failed.not_before) == (TaskState.RESTING, "why", _later(11))
    assert failed.worker is None
    assert tasks.wake(failed, now=_later(10.9)) is failed
    assert tasks.wake(failed, now=_later(11)).state is TaskState.WAITING
    assert tasks.lease(failed, worker="w", token="secret", seconds=1, now=_later(2)).state is TaskState.LEASED


def test_a_task_that_may_not_be_retried_dies_at_once() -> None:
    """A failure that forbids another attempt ends in the dead-letter state."""
    dead = tasks.fail(_leased(), token="secret", reason="no", retry=False, rules=RULES, chance=0, now=_later(1))
    assert (dead.state, dead.failure) == (TaskState.DEAD, "no")


def test_attempts_end_in_the_dead_letter_state() -> None:
    """The last allowed attempt that runs out leaves a dead task, and requeueing makes it as good as new."""
    task = WAITING
    for attempt in range(RULES.max_attempts):
        task = tasks.wake(task, now=task.not_before)
        assert task.state is TaskState.WAITING, attempt
        task = tasks.lease(task, worker="w", token="secret", seconds=60, now=task.not_before)
        assert task.expires is not None
        task = tasks.expire(task, rules=RULES, chance=0.5, now=task.expires)
    assert task.state is TaskState.DEAD
    assert task.failure == "the lease of w ran out without a report"
    again = tasks.requeue(task, now=_later(9999))
    assert (again.state, again.attempts, again.not_before) == (TaskState.WAITING, 0, _later(9999))


def test_a_lease_that_still_runs_does_not_expire() -> None:
    """Expiring before the end changes nothing."""
    task = _leased()
    assert tasks.expire(task, rules=RULES, chance=0, now=_later(59.9)) is task
    assert tasks.expire(WAITING, rules=RULES, chance=0, now=_later(999)) is WAITING


@pytest.mark.parametrize("task", [WAITING, _leased()])
def test_only_a_dead_task_can_be_requeued(task: Task) -> None:
    """Requeueing what is neither dead nor cancelled is a conflict."""
    with pytest.raises(Conflict, match="only a dead or cancelled task"):
        tasks.requeue(task, now=NOW)


def test_a_task_that_contradicts_itself_cannot_exist() -> None:
    """A lease without an end, an end without a lease, a verdict before the end: none can be made."""
    for wrong in ({"state": TaskState.LEASED}, {"expires": NOW}, {"verdict": VERDICT}, {"state": TaskState.DONE}):
        with pytest.raises(ValueError, match="task t"):
            replace(WAITING, **wrong)
    with pytest.raises(ValueError, match="at least once"):
        RetryRules(max_attempts=0)


class TaskLife(RuleBasedStateMachine):
    """Two workers, a clock and a sweeper do to one task whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.task = WAITING
        self.now = NOW
        self.tokens: list[str] = []
        self.done_with: Verdict | None = None

    @rule(seconds=st.floats(0, 500))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.task.state is TaskState.WAITING)
    @rule(seconds=st.floats(1, 100), worker=st.sampled_from(["a", "b"]))
    def lease(self, seconds: float, worker: str) -> None:
        self.tokens.append(f"token{len(self.tokens)}")
        before = self.task.attempts
        self.task = tasks.lease(self.task, worker=worker, token=self.tokens[-1], seconds=seconds, now=self.now)
        assert self.task.attempts == before + 1

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), action=st.sampled_from(["renew", "complete", "fail"]), score=st.integers(0, 3))
    def report(self, data: st.DataObject, action: str, score: int) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        verdict = Verdict(Conclusion.SUSPICIOUS, score, "analyzer", self.now)
        held = token == self.tokens[-1] and self.task.expires is not None and self.now < self.task.expires
        try:
            after = self._reported(action, token, verdict)
        except Conflict:
            assert not held
            return
        if self.task.state is TaskState.DONE:
            assert after is self.task
        else:
            assert held
        if action == "complete" and self.done_with is None:
            self.done_with = verdict
        self.task = after

    def _reported(self, action: str, token: str, verdict: Verdict) -> Task:
        if action == "renew":
            return tasks.renew(self.task, token=token, seconds=50, now=self.now)
        if action == "complete":
            return tasks.complete(self.task, token=token, verdict=verdict, now=self.now)
        return tasks.fail(self.task, token=token, reason="r", retry=True, rules=RULES, chance=0.5, now=self.now)

    @rule()
    def sweep(self) -> None:
        self.task = tasks.expire(self.task, rules=RULES, chance=0.5, now=self.now)
        assert self.task.expires is None or self.now < self.task.expires

    @precondition(lambda self: self.task.state is TaskState.DEAD)
    @rule()
    def requeue(self) -> None:
        self.task = tasks.requeue(self.task, now=self.now)

    @invariant()
    def a_verdict_never_changes(self) -> None:
        assert self.task.verdict == self.done_with
        assert (self.task.state is TaskState.DONE) == (self.done_with is not None)

    @invariant()
    def attempts_are_bounded(self) -> None:
        assert self.task.attempts <= RULES.max_attempts
        assert self.task.state is not TaskState.WAITING or self.task.attempts < RULES.max_attempts


TestTaskLife = TaskLife.TestCase
