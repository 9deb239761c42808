"""The life of one task, as pure transitions: each takes a task and ``now`` and returns the next task, or raises.

::

    waiting ──lease──> leased ──complete──> done
       ^                 │ │
       │<──fail, expire──┘ └──fail, expire (attempts used up, or no retry)──> dead ──requeue──> waiting

A lease is known by a secret token; a task keeps only the token's SHA-256. A lease that has run out is worth nothing
from that instant on, whether or not anybody has swept it up.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sampler.errors import Conflict
from sampler.model import TaskState, Verdict
from sampler.runtime.backoff import Backoff


@dataclass(frozen=True, slots=True)
class Task:
    """The work on one submission. Times are UTC."""

    id: str
    submission: str
    created: datetime
    not_before: datetime
    """When it may be leased, while it waits."""
    state: TaskState = TaskState.WAITING
    attempts: int = 0
    """Leases that were given out since it was created or requeued."""
    worker: str | None = None
    """Who holds it, or who held it last."""
    lease_digest: str | None = None
    """SHA-256 of the token of the present lease, or of the one that completed it."""
    expires: datetime | None = None
    """When the present lease ends."""
    failure: str | None = None
    """Why the last attempt did not end with a verdict."""
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        leased = self.state is TaskState.LEASED
        if leased != (self.expires is not None) or (leased and self.lease_digest is None):
            raise ValueError(f"task {self.id}: a lease has a token and an end, and nothing else has an end")
        if (self.state is TaskState.DONE) != (self.verdict is not None):
            raise ValueError(f"task {self.id}: a task is done when it has a verdict")


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often a task is tried, and how long it rests between."""

    max_attempts: int = 5
    backoff: Backoff = field(default=Backoff(first_seconds=10.0, most_seconds=3600.0))

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"a task is tried at least once, not {self.max_attempts} times")


def token_digest(token: str) -> str:
    """What a task keeps of a lease's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def lease(task: Task, *, worker: str, token: str, seconds: float, now: datetime) -> Task:
    """Give a waiting task to a worker. That it is due is the caller's business: a person may ask for one by name.

    Raises:
        Conflict: it is not waiting.
    """
    if task.state is not TaskState.WAITING:
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
    """End the task with a verdict. The same report again, under the same lease, changes nothing.

    Raises:
        Conflict: the lease is another one or has run out, or another verdict was given.
    """
    if _is_repeated(task, token, verdict):
        return task
    _check_held(task, token, now)
    return replace(task, state=TaskState.DONE, expires=None, failure=None, verdict=verdict)


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


def requeue(task: Task, *, now: datetime) -> Task:
    """Let a dead task be tried anew, as often as a fresh one.

    Raises:
        Conflict: it is not dead.
    """
    if task.state is not TaskState.DEAD:
        raise Conflict(f"task {task.id} is {task.state}; only a dead task can be requeued")
    return replace(task, state=TaskState.WAITING, attempts=0, not_before=now, worker=None)


def _check_held(task: Task, token: str, now: datetime) -> None:
    if task.state is not TaskState.LEASED or task.expires is None or not _is_token(task, token):
        raise Conflict(f"task {task.id} is {task.state}, and not under this lease; drop the work and lease anew")
    if now >= task.expires:
        raise Conflict(f"the lease of task {task.id} ran out at {task.expires:%Y-%m-%dT%H:%M:%SZ}; lease anew")


def _is_token(task: Task, token: str) -> bool:
    return task.lease_digest is not None and hmac.compare_digest(task.lease_digest, token_digest(token))


def _is_repeated(task: Task, token: str, verdict: Verdict) -> bool:
    return task.verdict is not None and _is_token(task, token) and replace(verdict, at=task.verdict.at) == task.verdict


def _given_up(task: Task, reason: str, *, retry: bool, rules: RetryRules, chance: float, now: datetime) -> Task:
    if not retry or task.attempts >= rules.max_attempts:
        return replace(task, state=TaskState.DEAD, lease_digest=None, expires=None, failure=reason)
    rest = timedelta(seconds=rules.backoff.delay_seconds(task.attempts, chance))
    return replace(
        task,
        state=TaskState.WAITING,
        lease_digest=None,
        expires=None,
        failure=reason,
        worker=None,
        not_before=now + rest,
    )
