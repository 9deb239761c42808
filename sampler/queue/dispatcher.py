"""Giving out: tasks to workers, verdicts to hosts, contents to whoever analyzes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import BinaryIO

from sampler.errors import Recalled
from sampler.model import TaskState, Verdict
from sampler.queue import dispatch, tasks
from sampler.queue.acts import Act, Actor
from sampler.queue.core import TASKS_BELL, Core, content_bell, submission_bell, verdicts_bell
from sampler.queue.dispatch import Leasing, Placed
from sampler.queue.ports import Ledger
from sampler.queue.receiving import own_submission
from sampler.queue.records import VerdictRecord
from sampler.queue.tasks import Task
from sampler.queue.views import submission_view, task_view, verdict_page
from sampler.queue.waking import rung
from sampler.runtime.blocking import off_loop
from sampler.wire.audit_messages import Action
from sampler.wire.messages import (
    CancelRequest,
    CompleteRequest,
    FailRequest,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    RenewRequest,
    SubmissionView,
    TaskPage,
    TaskView,
    VerdictPage,
)

VERDICTS_PAGE_MAX_COUNT = 100


def _always() -> bool:
    return True


class Dispatcher(Core):
    """The part of the queue that workers and people talk to, and that hosts ask for verdicts."""

    async def submission(self, device: str | None, submission_id: str) -> SubmissionView:
        """Where a submission is; ``None`` as device sees every one.

        Raises:
            NotFound: there is none that this device may see.
        """
        return await self._step(_view_submission, device, submission_id)

    async def watch(
        self, device: str | None, submission_id: str, seconds: float
    ) -> AsyncIterator[SubmissionView | None]:
        """A submission now and after each change, to its verdict; ``None`` whenever nothing changed for so long.

        It ends as well when its host takes the submission back meanwhile.

        Raises:
            NotFound: there is none that this device may see.
            Recalled: its host took it back before.
        """
        last: SubmissionView | None = None
        while last is None or last.verdict is None:
            moved = self._bells.listen(submission_bell(submission_id))
            try:
                view = await self.submission(device, submission_id)
            except Recalled:
                if last is None:
                    raise
                return
            if view != last:
                last = view
                yield view
            elif self._bells.silenced:
                return
            elif not await rung(moved, seconds):
                yield None

    async def verdicts(self, device: str, after: int, wait: float) -> VerdictPage:
        """A device's verdicts behind a cursor; when there is none, waits for one, at most ``wait`` seconds."""
        until = _time() + wait
        while True:
            bell = self._bells.listen(verdicts_bell(device))
            found = await self._step(_verdicts, device, after)
            if found or self._bells.silenced or not await rung(bell, until - _time()):
                return verdict_page(found, after)

    async def lease(
        self,
        asked: LeaseRequest,
        *,
        tenant: str | None = None,
        by: Actor | None = None,
        still_wanted: Callable[[], bool] = _always,
    ) -> LeaseAnswer:
        """Lease a task, a tenant's where it is named; when none is due, waits for one as long as was asked.

        ``still_wanted`` is asked before each look, so that no task goes to a caller that is gone.

        Raises:
            NotFound: the task that was named does not exist.
            Conflict: the task that was named is not waiting.
        """
        until = _time() + asked.wait
        while still_wanted():
            bell = self._bells.listen(TASKS_BELL)
            leasing = Leasing(
                asked.worker,
                self._new_token(),
                asked.seconds,
                asked.task,
                frozenset(asked.kinds),
                tenant,
                self._act(by, Action.LEASE, asked.worker),
            )
            now = self._clock.now()
            placed = await self._step(dispatch.lease, leasing, self._policy.retry, self._chance, now)
            if placed is not None:
                return self._leased(placed, leasing.token)
            if (left := until - _time()) <= 0 or self._bells.silenced:
                break
            await rung(bell, min(left, await self._seconds_to_change()))
        return LeaseAnswer(lease=None)

    async def renew(self, task_id: str, asked: RenewRequest) -> TaskView:
        """Keep a lease longer.

        Raises:
            NotFound: there is no such task.
            Conflict: it is not under this lease.
        """
        step = partial(tasks.renew, token=asked.lease, seconds=asked.seconds, now=self._clock.now())
        return await self._change(task_id, step)

    async def complete(self, task_id: str, asked: CompleteRequest, by: Actor | None = None) -> TaskView:
        """End a task's stage with a verdict; with the last stage it goes to the host. Once more changes nothing.

        Raises:
            NotFound: there is no such task.
            Conflict: it is not under this lease.
        """
        now = self._clock.now()
        expires = self._policy.validity.until(asked.conclusion, now)
        verdict = Verdict(asked.conclusion, asked.score, asked.analyzer, now, asked.family, asked.note, expires)
        step = partial(tasks.complete, token=asked.lease, verdict=verdict, now=now)
        return await self._change(task_id, step, self._act(by, Action.COMPLETE, f"{asked.conclusion} {asked.score}"))

    async def fail(self, task_id: str, asked: FailRequest, by: Actor | None = None) -> TaskView:
        """Give a task back; it is tried again after a rest, unless it may not.

        Raises:
            NotFound: there is no such task.
            Conflict: it is not under this lease.
        """
        step = partial(
            tasks.fail,
            token=asked.lease,
            reason=asked.reason,
            retry=asked.retry,
            rules=self._policy.retry,
            chance=self._chance(),
            now=self._clock.now(),
        )
        return await self._change(task_id, step, self._act(by, Action.FAIL, asked.reason))

    async def requeue(self, task_id: str, by: Actor | None = None) -> TaskView:
        """Let a dead or cancelled task be tried again.

        Raises:
            NotFound: there is no such task.
            Conflict: it is neither.
        """
        step = partial(tasks.requeue, now=self._clock.now())
        return await self._change(task_id, step, self._act(by, Action.REQUEUE))

    async def cancel(self, task_id: str, asked: CancelRequest, by: Actor | None = None) -> TaskView:
        """End a task without a verdict; whoever holds its lease has nothing from then on.

        Raises:
            NotFound: there is no such task.
            Conflict: it has a verdict.
        """
        step = partial(tasks.cancel, reason=asked.reason)
        return await self._change(task_id, step, self._act(by, Action.CANCEL, asked.reason))

    async def task(self, task_id: str) -> TaskView:
        """One task.

        Raises:
            NotFound: there is none.
        """
        placed = await self._step(dispatch.find, task_id)
        return task_view(placed.task, placed.submission)

    async def tasks(
        self,
        *,
        state: TaskState | None = None,
        after: str | None = None,
        limit: int = 100,
        tenant: str | None = None,
    ) -> TaskPage:
        """A page of tasks, in the order in which they appeared; a tenant's where it is named."""
        placed = await self._step(dispatch.page, state=state, after=after, limit=limit, tenant=tenant)
        last = placed[-1].task.id if placed else None
        more = last is not None and await self._step(_has_more, state, last, tenant)
        views = [task_view(each.task, each.submission) for each in placed]
        return TaskPage(tasks=views, after=last if more else None)

    async def task_counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state that has any."""
        return await self._step(_task_counts)

    async def open_content(self, sha256: str) -> BinaryIO:
        """A verified content; the caller closes it, and reads no further once ``destruction`` is set.

        Raises:
            NotFound: the queue does not hold it.
            Recalled: a host took it back.
        """
        await self._step(dispatch.check_content, sha256)
        return await off_loop(self._blobs.open_content, sha256)

    def destruction(self, sha256: str) -> asyncio.Event:
        """Set when a content is destroyed. Listen before it is opened."""
        return self._bells.listen(content_bell(sha256))

    async def settle_tasks(self) -> int:
        """Take back all that ran out and wake all that rested, some at a time; how many tasks."""
        settled = 0
        while moved := await self._step(dispatch.settle, self._policy.retry, self._chance, self._clock.now()):
            settled += len(moved)
            for task in moved:
                self._ring_moved(task.submission)
                if task.verdict is not None:
                    self._moved(await self._step(dispatch.find, task.id))
        return settled

    async def _change(self, task_id: str, step: Callable[[Task], Task], act: Act | None = None) -> TaskView:
        return self._moved(await self._step(dispatch.change, task_id, step, act))

    def _moved(self, placed: Placed) -> TaskView:
        self._ring_moved(placed.task.submission)
        if placed.task.verdict is not None:
            self._bells.ring(verdicts_bell(placed.submission.device))
        return task_view(placed.task, placed.submission)

    def _leased(self, placed: Placed, token: str) -> LeaseAnswer:
        assert placed.task.expires is not None  # it is leased
        self._bells.ring(submission_bell(placed.task.submission))
        view = task_view(placed.task, placed.submission)
        return LeaseAnswer(lease=Lease(lease=token, expires=placed.task.expires, task=view))

    async def _seconds_to_change(self) -> float:
        """Until a task becomes due by itself; never 0, so that clocks that disagree do not make a busy loop."""
        change = await self._step(_next_change)
        return 3600.0 if change is None else max(0.05, (change - self._clock.now()).total_seconds())


def _time() -> float:
    return asyncio.get_running_loop().time()


def _view_submission(ledger: Ledger, device: str | None, submission_id: str) -> SubmissionView:
    submission = own_submission(ledger, submission_id, device)
    return submission_view(submission, ledger.task_of(submission_id), ledger.missing(submission_id))


def _verdicts(ledger: Ledger, device: str, after: int) -> tuple[VerdictRecord, ...]:
    return ledger.verdicts(device, after, VERDICTS_PAGE_MAX_COUNT)


def _has_more(ledger: Ledger, state: TaskState | None, after: str, tenant: str | None) -> bool:
    return bool(ledger.tasks(state=state, after=after, limit=1, tenant=tenant))


def _task_counts(ledger: Ledger) -> dict[TaskState, int]:
    return ledger.task_counts()


def _next_change(ledger: Ledger) -> datetime | None:
    return ledger.next_change()
