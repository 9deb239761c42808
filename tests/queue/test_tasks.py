from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sampler.errors import Conflict
from sampler.model import Conclusion, TaskState, Verdict
from sampler.queue import Outcome, RetryRules, Stage, Task, tasks
from sampler.runtime.backoff import Backoff

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULES = RetryRules(max_attempts=3, backoff=Backoff(first_seconds=10, most_seconds=100))
WAITING = Task(id="t", submission="s", created=NOW, not_before=NOW)
VERDICT = Verdict(Conclusion.BENIGN, 3, "analyzer", NOW)
PLAN = (Stage("static", optional=True), Stage("sandbox", only_after=(Conclusion.SUSPICIOUS,)), Stage("person"))


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


def test_a_stages_verdict_lets_the_next_one_begin() -> None:
    """The task waits anew in the next stage's lane with fresh attempts, and remembers what was concluded."""
    leased = replace(_leased(), plan=PLAN, attempts=3)
    suspicious = replace(VERDICT, conclusion=Conclusion.SUSPICIOUS)
    task = tasks.complete(leased, token="secret", verdict=suspicious, now=NOW)
    assert (task.state, task.stage, task.lane.kind, task.attempts) == (TaskState.WAITING, 1, "sandbox", 0)
    assert [outcome.verdict for outcome in task.outcomes] == [suspicious]
    assert tasks.complete(task, token="secret", verdict=suspicious, now=_later(999)) is task
    with pytest.raises(Conflict):
        tasks.renew(task, token="secret", seconds=1, now=NOW)


def test_a_stage_that_is_not_needed_is_left_out() -> None:
    """After a harmless first stage the second one does not run."""
    task = tasks.complete(replace(_leased(), plan=PLAN), token="secret", verdict=VERDICT, now=NOW)
    assert (task.state, task.stage, task.lane.kind) == (TaskState.WAITING, 2, "person")


def test_an_optional_stage_may_fail_for_good() -> None:
    """The plan goes on without it; the last stage's failure is a dead task, with what the others concluded kept."""
    leased = replace(_leased(), plan=PLAN)
    task = tasks.fail(leased, token="secret", reason="crashed", retry=False, rules=RULES, chance=0, now=NOW)
    assert (task.state, task.stage, task.failure) == (TaskState.WAITING, 2, "crashed")
    assert task.outcomes == (Outcome(0, tasks.token_digest("secret"), failure="crashed"),)
    last = tasks.lease(task, worker="w", token="last", seconds=60, now=NOW)
    dead = tasks.fail(last, token="last", reason="too", retry=False, rules=RULES, chance=0, now=NOW)
    assert (dead.state, dead.stage, dead.outcomes) == (TaskState.DEAD, 2, task.outcomes)
    assert tasks.requeue(dead, now=NOW).stage == 2


def test_a_plan_of_which_nothing_came_is_dead() -> None:
    """Where every stage was optional and failed there is no verdict, and requeueing tries the last one again."""
    leased = replace(_leased(), plan=PLAN[:1])
    dead = tasks.fail(leased, token="secret", reason="crashed", retry=False, rules=RULES, chance=0, now=NOW)
    assert (dead.state, dead.verdict, len(dead.outcomes)) == (TaskState.DEAD, None, 1)
    again = tasks.requeue(dead, now=NOW)
    assert (again.state, again.stage, again.outcomes) == (TaskState.WAITING, 0, ())


@pytest.mark.parametrize(
    "task", [WAITING, _leased(), replace(WAITING, state=TaskState.RESTING)], ids=lambda task: task.state
)
def test_a_cancelled_task_is_nobodys(task: Task) -> None:
    """Whatever it was, its lease is worth nothing, it says why, and a person may requeue it."""
    cancelled = tasks.cancel(task, reason="a mistake")
    assert (cancelled.state, cancelled.failure, cancelled.expires) == (TaskState.CANCELLED, "a mistake", None)
    assert tasks.cancel(cancelled, reason="again") is cancelled
    with pytest.raises(Conflict, match="cancelled"):
        tasks.renew(cancelled, token="secret", seconds=1, now=NOW)
    with pytest.raises(Conflict, match="cancelled"):
        tasks.lease(cancelled, worker="w", token="secret", seconds=1, now=NOW)
    assert tasks.requeue(cancelled, now=NOW).state is TaskState.WAITING


def test_a_verdict_cannot_be_cancelled() -> None:
    """What is done stays done."""
    done = tasks.complete(_leased(), token="secret", verdict=VERDICT, now=NOW)
    with pytest.raises(Conflict, match="done"):
        tasks.cancel(done, reason="late")


class TaskLife(RuleBasedStateMachine):
    """Two workers, a clock, a sweeper and a person do to one task whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.task = replace(WAITING, plan=PLAN)
        self.now = NOW
        self.tokens: list[str] = []
        self.given: list[Verdict] = []

    @rule(seconds=st.floats(0, 500))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.task.state in (TaskState.WAITING, TaskState.RESTING))
    @rule(seconds=st.floats(1, 100), worker=st.sampled_from(["a", "b"]))
    def lease(self, seconds: float, worker: str) -> None:
        self.tokens.append(f"token{len(self.tokens)}")
        before = self.task.attempts
        self.task = tasks.lease(self.task, worker=worker, token=self.tokens[-1], seconds=seconds, now=self.now)
        assert self.task.attempts == before + 1

    @precondition(lambda self: self.tokens)
    @rule(
        data=st.data(),
        action=st.sampled_from(["renew", "complete", "fail", "give up"]),
        conclusion=st.sampled_from([Conclusion.SUSPICIOUS, Conclusion.BENIGN]),
    )
    def report(self, data: st.DataObject, action: str, conclusion: Conclusion) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        verdict = Verdict(conclusion, len(self.tokens), "analyzer", self.now)
        before, held = self.task, self._is_held(token)
        try:
            self.task = self._reported(action, token, verdict)
        except Conflict:
            assert not held
            assert self.task is before
            return
        assert held or self.task is before
        if held and action == "complete":
            self.given.append(verdict)
        assert self.task.stage >= before.stage

    def _is_held(self, token: str) -> bool:
        ends = self.task.expires
        return ends is not None and self.now < ends and token == self.tokens[-1]

    def _reported(self, action: str, token: str, verdict: Verdict) -> Task:
        if action == "renew":
            return tasks.renew(self.task, token=token, seconds=50, now=self.now)
        if action == "complete":
            return tasks.complete(self.task, token=token, verdict=verdict, now=self.now)
        retry = action == "fail"
        return tasks.fail(self.task, token=token, reason="r", retry=retry, rules=RULES, chance=0.5, now=self.now)

    @rule()
    def sweep(self) -> None:
        self.task = tasks.wake(tasks.expire(self.task, rules=RULES, chance=0.5, now=self.now), now=self.now)
        assert self.task.expires is None or self.now < self.task.expires

    @precondition(lambda self: self.task.state in (TaskState.DEAD, TaskState.CANCELLED))
    @rule()
    def requeue(self) -> None:
        self.task = tasks.requeue(self.task, now=self.now)

    @precondition(lambda self: self.task.state is not TaskState.DONE)
    @rule()
    def cancel(self) -> None:
        self.task = tasks.cancel(self.task, reason="a person")

    @invariant()
    def no_verdict_is_lost_or_invented(self) -> None:
        kept = [outcome.verdict for outcome in self.task.outcomes if outcome.verdict is not None]
        assert kept == self.given
        assert self.task.verdict is None or self.task.verdict.conclusion in {each.conclusion for each in self.given}

    @invariant()
    def stages_end_once_and_in_order(self) -> None:
        places = [outcome.stage for outcome in self.task.outcomes]
        assert places == sorted(set(places))

    @invariant()
    def attempts_are_bounded(self) -> None:
        assert self.task.attempts <= RULES.max_attempts
        free = self.task.state in (TaskState.WAITING, TaskState.RESTING)
        assert not free or self.task.attempts < RULES.max_attempts


TestTaskLife = TaskLife.TestCase
