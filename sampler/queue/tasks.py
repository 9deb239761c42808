"""The life of one task, as pure transitions: each takes a task and ``now`` and returns the next task, or raises.

::

    waiting ──lease──> leased ──complete──> done
     ^   ^                │ │   ──complete──> waiting, when another stage follows
     │ wake               │ └──fail, expire, attempts used up or no retry──> dead ──requeue──> waiting
     │   │                │                 (or the next stage, where this one is optional)
     │ resting <──fail, expire
     └──requeue── cancelled <──cancel── waiting, resting, leased, dead

A task goes through the stages of its plan; each stage has attempts and a verdict of its own, and the last one's makes
the task's verdict out of all. A lease is known by a secret token; a task keeps only the token's SHA-256. A lease that
has run out is worth nothing from that instant on, whether or not anybody has swept it up.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sampler.errors import Conflict
from sampler.limits import LEASE_MAX_SECONDS
from sampler.model import TaskState, Verdict
from sampler.queue import priority, stages
from sampler.queue.stages import ONE_STAGE, Outcome, Plan
from sampler.runtime.backoff import Backoff
from sampler.wire.tenant_messages import DEFAULT_TENANT

_FREE: Final = (TaskState.WAITING, TaskState.RESTING)
_ENDED_WITHOUT_VERDICT: Final = (TaskState.DEAD, TaskState.CANCELLED)


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """Where a task waits: with those of its tenant that need the same kind of analysis."""

    kind: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Task:
    """The work on one submission. Times are UTC."""

    id: str
    submission: str
    created: datetime
    not_before: datetime
    """When it may be leased again, while it rests."""
    state: TaskState = TaskState.WAITING
    attempts: int = 0
    """Leases that were given out since its stage began or it was requeued."""
    worker: str | None = None
    """Who holds it, or who held it last."""
    lease_digest: str | None = None
    """SHA-256 of the token of the present lease."""
    expires: datetime | None = None
    """When the present lease ends."""
    failure: str | None = None
    """Why the last attempt did not end with a verdict."""
    verdict: Verdict | None = None
    """Of all stages together, once it is done."""
    priority: int = 0
    """Points, 0 to 100; higher ones first (``priority``)."""
    tenant: str = DEFAULT_TENANT
    plan: Plan = ONE_STAGE
    stage: int = 0
    """The place in the plan that it is at; that of the last one when it has ended."""
    outcomes: tuple[Outcome, ...] = ()
    """How the stages behind it ended; those that were left out have none."""

    def __post_init__(self) -> None:
        leased = self.state is TaskState.LEASED
        if leased != (self.expires is not None) or (leased and self.lease_digest is None):
            raise ValueError(f"task {self.id}: a lease has a token and an end, and nothing else has an end")
        if (self.state is TaskState.DONE) != (self.verdict is not None):
            raise ValueError(f"task {self.id}: a task is done when it has a verdict")
        if not 0 <= self.stage < len(self.plan):
            raise ValueError(f"task {self.id}: its plan has no stage {self.stage}")

    @property
    def lane(self) -> Lane:
        """Where it stands while it waits."""
        return Lane(self.plan[self.stage].kind, self.tenant)

    @property
    def rank(self) -> datetime:
        """Its place in its lane; the earliest comes first."""
        return priority.rank(self.created, self.priority)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often a stage is tried, and how long the task rests between."""

    max_attempts: int = 5
    backoff: Backoff = field(default=Backoff(first_seconds=10.0, most_seconds=3600.0))

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"a task is tried at least once, not {self.max_attempts} times")


def token_digest(token: str) -> str:
    """What a task keeps of a lease's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def lease(task: Task, *, worker: str, token: str, seconds: float, now: datetime) -> Task:
    """Give a free task to a worker; one that rests as well, for a person may ask for it by name.

    Raises:
        Conflict: it is neither waiting nor resting.
    """
    if task.state not in _FREE:
        raise Conflict(f"task {task.id} is {task.state}, not waiting; somebody else may have been first")
    return replace(
        task,
        state=TaskState.LEASED,
        attempts=task.attempts + 1,
        worker=worker,
        lease_digest=token_digest(token),
        expires=now + timedelta(seconds=seconds),
    )


def renew(task: Task, *, token: str, seconds: float, now: datetime) -> Task:
    """Let the lease end ``seconds`` from now.

    Raises:
        Conflict: the lease is another one or has run out.
    """
    _check_held(task, token, now)
    return replace(task, expires=now + timedelta(seconds=seconds))


def complete(task: Task, *, token: str, verdict: Verdict, now: datetime) -> Task:
    """End the stage with a verdict, and the task with its last stage. The same report again changes nothing.

    Raises:
        Conflict: the lease is another one or has run out, or another verdict was given.
    """
    if _is_repeated(task, token, verdict):
        return task
    _check_held(task, token, now)
    return _past(task, Outcome(task.stage, token_digest(token), verdict=verdict))


def fail(task: Task, *, token: str, reason: str, retry: bool, rules: RetryRules, chance: float, now: datetime) -> Task:
    """Give the task back because the analyzer could not; ``chance`` in [0, 1) spreads the time of the next attempt.

    Raises:
        Conflict: the lease is another one or has run out.
    """
    _check_held(task, token, now)
    return _given_up(task, reason, retry=retry, rules=rules, chance=chance, now=now)


def expire(task: Task, *, rules: RetryRules, chance: float, now: datetime) -> Task:
    """Take the task back when its lease has run out; unchanged otherwise."""
    if task.expires is None or now < task.expires:
        return task
    reason = f"the lease of {task.worker} ran out without a report"
    return _given_up(task, reason, retry=True, rules=rules, chance=chance, now=now)


def wake(task: Task, *, now: datetime) -> Task:
    """Let a task that has rested long enough be leased again; unchanged otherwise."""
    if task.state is not TaskState.RESTING or now < task.not_before:
        return task
    return replace(task, state=TaskState.WAITING)


def latest_end(rules: RetryRules, now: datetime) -> datetime:
    """No lease or rest that began by this clock ends later; for servers whose clocks differ it is twice the longest."""
    return now + 2 * timedelta(seconds=max(LEASE_MAX_SECONDS, rules.backoff.most_seconds))


def redate(task: Task, *, rules: RetryRules, now: datetime) -> Task:
    """Let a lease or rest that began while the clock was ahead end as late as one that begins now; else unchanged."""
    latest = latest_end(rules, now)
    if task.expires is not None and task.expires > latest:
        return replace(task, expires=now + timedelta(seconds=LEASE_MAX_SECONDS))
    if task.state is TaskState.RESTING and task.not_before > latest:
        return replace(task, not_before=now + timedelta(seconds=rules.backoff.most_seconds))
    return task


def requeue(task: Task, *, now: datetime) -> Task:
    """Let a dead or cancelled task be tried anew from the stage that it ended in, as often as a fresh one.

    Raises:
        Conflict: it is neither.
    """
    if task.state not in _ENDED_WITHOUT_VERDICT:
        raise Conflict(f"task {task.id} is {task.state}; only a dead or cancelled task can be requeued")
    behind = tuple(each for each in task.outcomes if each.stage < task.stage)
    return replace(task, state=TaskState.WAITING, attempts=0, not_before=now, worker=None, outcomes=behind)


def cancel(task: Task, *, reason: str) -> Task:
    """End the task without a verdict; a lease of it is worth nothing any more. Once more changes nothing.

    Raises:
        Conflict: it has a verdict.
    """
    if task.state is TaskState.CANCELLED:
        return task
    if task.state is TaskState.DONE:
        raise Conflict(f"task {task.id} is done; a verdict cannot be taken back")
    return replace(task, state=TaskState.CANCELLED, lease_digest=None, expires=None, failure=reason)


def _check_held(task: Task, token: str, now: datetime) -> None:
    if task.state is not TaskState.LEASED or task.expires is None or not _is_digest(task.lease_digest, token):
        raise Conflict(f"task {task.id} is {task.state}, and not under this lease; drop the work and lease anew")
    if now >= task.expires:
        raise Conflict(f"the lease of task {task.id} ran out at {task.expires:%Y-%m-%dT%H:%M:%SZ}; lease anew")


def _is_digest(digest: str | None, token: str) -> bool:
    return digest is not None and hmac.compare_digest(digest, token_digest(token))


def _is_repeated(task: Task, token: str, verdict: Verdict) -> bool:
    given = next((each.verdict for each in task.outcomes if _is_digest(each.lease_digest, token)), None)
    return given is not None and replace(verdict, at=given.at, expires=given.expires) == given


def _past(task: Task, outcome: Outcome) -> Task:
    """The task behind its present stage: at the next one, or at its end."""
    outcomes = (*task.outcomes, outcome)
    free = replace(
        task, outcomes=outcomes, lease_digest=None, expires=None, failure=outcome.failure, state=TaskState.WAITING
    )
    following = stages.next_stage(task.plan, task.stage + 1, outcomes)
    if following is not None:
        return replace(free, stage=following, attempts=0, worker=None)
    verdict = stages.conclude(task.plan, outcomes)
    return replace(free, state=TaskState.DEAD if verdict is None else TaskState.DONE, verdict=verdict)


def _given_up(task: Task, reason: str, *, retry: bool, rules: RetryRules, chance: float, now: datetime) -> Task:
    if retry and task.attempts < rules.max_attempts:
        return _resting(task, reason, now + timedelta(seconds=rules.backoff.delay_seconds(task.attempts, chance)))
    assert task.lease_digest is not None  # only a leased task is given up
    if task.plan[task.stage].optional:
        return _past(task, Outcome(task.stage, task.lease_digest, failure=reason))
    return replace(task, state=TaskState.DEAD, lease_digest=None, expires=None, failure=reason)


def _resting(task: Task, reason: str, until: datetime) -> Task:
    return replace(
        task,
        state=TaskState.RESTING,
        lease_digest=None,
        expires=None,
        failure=reason,
        worker=None,
        not_before=until,
    )
