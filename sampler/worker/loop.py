"""The worker: lease a task, have it analyzed, report; again.

Invariants: one task at a time; its lease is renewed in the background while it is worked on; when the lease is lost,
which the task's events tell at once, the analysis is abandoned and nothing is reported; a worker that is stopped gives
its task back. When the queue cannot be reached the worker waits, longer each time, and a lease that it cannot renew
runs out by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random as randomness
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import structlog

from sampler.errors import Conflict, DeliveryError, NotFound, QueueBusy, QueueRefused, SettingsError
from sampler.limits import (
    LEASE_MAX_SECONDS,
    LONG_POLL_MAX_SECONDS,
    OBJECT_MAX_BYTES,
    STAGES_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
)
from sampler.model import TaskState
from sampler.runtime.backoff import Backoff
from sampler.runtime.clock import Clock, SystemClock
from sampler.wire.messages import KIND, CompleteRequest, FailRequest, Lease, LeaseRequest, RenewRequest
from sampler.worker.analyzers import Analyzer, AnalyzerFailure, AnalyzerVerdict
from sampler.worker.attempt import attempt
from sampler.worker.ports import Ending, Tally, TaskQueue

log = structlog.get_logger()

T = TypeVar("T")

_NAME_MAX_CHARACTERS: Final = 128
_DOWNLOAD_TRIES: Final = 8
"""A content that the queue cannot give out must not keep a worker, and a lease, for ever."""
_GIVE_BACK_SECONDS: Final = 5.0
"""How long a stopping worker tries to give its task back."""


class Worker:
    """Works for one queue with one analyzer. ``run`` until it is cancelled, or until nothing waits."""

    def __init__(
        self,
        queue: TaskQueue,
        analyzer: Analyzer,
        *,
        name: str,
        lease_seconds: float = 300.0,
        poll_seconds: float = LONG_POLL_MAX_SECONDS,
        scratch: Path | None = None,
        contents_max_bytes: int = OBJECT_MAX_BYTES,
        kinds: Sequence[str] = (),
        backoff: Backoff | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            queue: where tasks come from.
            analyzer: what concludes.
            name: 1 to 128 characters, shown beside the leases.
            lease_seconds: how long a lease is asked for; it is renewed at a third of this.
            poll_seconds: how long the queue may hold a request for a task.
            scratch: where private folders are made; ``None`` is the system's temporary folder.
            contents_max_bytes: of one task altogether; larger ones are given back.
            kinds: of stages that it works on; none named: whatever there is.
            backoff: how long to wait when the queue does not answer, and after failures in a row.
            clock: for waiting.
            random: uniform in [0, 1); spreads the waiting of many workers.

        Raises:
            SettingsError: the name, the lease's length or a kind is out of range.
        """
        if not 1 <= len(name) <= _NAME_MAX_CHARACTERS:
            raise SettingsError(f"a worker's name has 1 to {_NAME_MAX_CHARACTERS} characters: {name!r}")
        if not 0 < lease_seconds <= LEASE_MAX_SECONDS:
            raise SettingsError(f"a lease lasts more than 0 and at most {LEASE_MAX_SECONDS:g} seconds")
        if any(re.fullmatch(KIND, kind) is None for kind in kinds) or len(kinds) > STAGES_MAX_COUNT:
            raise SettingsError(f"at most {STAGES_MAX_COUNT} kinds, each of small letters, digits and hyphens: {kinds}")
        self._queue = queue
        self._analyzer = analyzer
        self._name = name
        self._lease_seconds = lease_seconds
        self._poll_seconds = min(poll_seconds, LONG_POLL_MAX_SECONDS)
        self._scratch = scratch
        self._contents_max_bytes = contents_max_bytes
        self._kinds = list(kinds)
        self._backoff = backoff or Backoff(most_seconds=60.0)
        self._clock = clock or SystemClock()
        self._random = random

    async def run(self, *, once: bool = False) -> Tally:
        """Work until cancelled; with ``once``, until the queue has nothing waiting.

        Raises:
            QueueRefused: the queue does not accept the token or the request for work.
        """
        tally, failures = Tally(), 0
        while True:
            lease = await self._next(wait=0.0 if once else self._poll_seconds)
            if lease is None and once:
                return tally
            if lease is None:
                await self._pause(1)  # should the queue not hold requests as it was asked to
                continue
            ending = await self._serve(lease)
            tally = tally.plus(ending)
            failures = 0 if ending is Ending.COMPLETED else failures + 1
            if failures:
                await self._pause(failures)  # a broken analyzer must not fail the whole queue in a second

    async def _next(self, *, wait: float) -> Lease | None:
        request = LeaseRequest(worker=self._name, seconds=self._lease_seconds, wait=wait, kinds=self._kinds)
        return await self._insist(lambda: self._queue.lease(request))

    async def _serve(self, lease: Lease) -> Ending:
        """Work on one task to its end; a cancelled worker gives it back."""
        log.info("task leased", task=lease.task.id, contents=len(lease.task.contents))
        try:
            outcome = await self._while_kept(lease)
            ending = Ending.ABANDONED if outcome is None else await self._report(lease, outcome)
        except asyncio.CancelledError:
            await self._give_back(lease)
            raise
        log.info("task ended", task=lease.task.id, ending=ending.value)
        return ending

    async def _while_kept(self, lease: Lease) -> AnalyzerVerdict | AnalyzerFailure | None:
        """Analyze while the lease is renewed in the background; ``None`` when it was lost."""
        outcome: AnalyzerVerdict | AnalyzerFailure | None = None
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(lease), name=f"lease/{lease.task.id}")
                hearing = group.create_task(self._hear(lease), name=f"events/{lease.task.id}")
                outcome = await attempt(
                    lease.task,
                    self._analyzer,
                    self._fetch,
                    scratch=self._scratch,
                    max_bytes=self._contents_max_bytes,
                )
                keeping.cancel()
                hearing.cancel()
        except* (Conflict, NotFound, QueueRefused) as lost:
            log.warning("lease lost", task=lease.task.id, why=str(lost.exceptions[0]))
            outcome = None
        _reraise_cancellation()
        return outcome

    async def _keep(self, lease: Lease) -> None:
        while True:
            await self._clock.sleep(self._lease_seconds / 3)
            await self._renew(lease)

    async def _renew(self, lease: Lease) -> None:
        request = RenewRequest(lease=lease.lease, seconds=self._lease_seconds)
        await self._insist(lambda: self._queue.renew(lease.task.id, request))

    async def _hear(self, lease: Lease) -> None:
        """Listen to what becomes of the task, so that one which is taken back is let go of at once.

        What the stream says only makes this ask: whether the lease still holds is what the answer to a renewal says.
        Where there is no stream to be had, the renewals at every third of the lease have to do.
        """
        told = True
        for rounds in itertools.count(1):
            try:
                await self._heard_of(lease)
            except (NotFound, QueueRefused):
                told = False
            except DeliveryError as error:
                log.debug("the task's events broke off", task=lease.task.id, why=str(error))
            await self._renew(lease)
            if not told:
                return
            await self._pause(rounds)

    async def _heard_of(self, lease: Lease) -> None:
        """Wait until the task's events say that it is somebody else's, or end."""
        async with contextlib.aclosing(self._queue.watch(lease.task.id)) as events:
            async for task in events:
                if task.state is not TaskState.LEASED or task.worker != self._name:
                    return

    async def _fetch(self, sha256: str, size: int, path: Path) -> str:
        return await self._insist(lambda: self._queue.download(sha256, size, path), tries=_DOWNLOAD_TRIES)

    async def _report(self, lease: Lease, outcome: AnalyzerVerdict | AnalyzerFailure) -> Ending:
        """Tell the queue, for as long as the lease can hold; whether it does the queue decides."""
        try:
            async with asyncio.timeout(self._lease_seconds):
                return await self._tell(lease, outcome)
        except (Conflict, NotFound, QueueRefused, TimeoutError) as error:
            log.warning("report not taken", task=lease.task.id, why=str(error) or "the queue did not answer in time")
            return Ending.ABANDONED

    async def _tell(self, lease: Lease, outcome: AnalyzerVerdict | AnalyzerFailure) -> Ending:
        task = lease.task.id
        if isinstance(outcome, AnalyzerFailure):
            failure = _failure(lease, outcome)
            log.warning("task failed", task=task, reason=failure.reason)
            await self._insist(lambda: self._queue.fail(task, failure))
            return Ending.FAILED
        verdict = _verdict(lease, outcome, self._analyzer.name)
        await self._insist(lambda: self._queue.complete(task, verdict))
        return Ending.COMPLETED

    async def _give_back(self, lease: Lease) -> None:
        request = FailRequest(lease=lease.lease, reason=f"the worker {self._name} was stopped")
        try:
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await self._queue.fail(lease.task.id, request)
        except (Conflict, NotFound, DeliveryError, TimeoutError) as error:
            log.warning("task not given back, its lease runs out by itself", task=lease.task.id, why=str(error))

    async def _insist(self, call: Callable[[], Awaitable[T]], *, tries: int | None = None) -> T:
        """Ask until the queue answers, or for so many tries; what it refuses is raised at once."""
        failures = 0
        while True:
            try:
                return await call()
            except QueueRefused:
                raise
            except DeliveryError as error:
                failures += 1
                if failures == tries:
                    raise
                log.warning("queue did not answer, trying again", failures=failures, why=str(error))
                await self._pause(failures, at_least=_asked_for(error))

    async def _pause(self, failures: int, *, at_least: float = 0.0) -> None:
        await self._clock.sleep(max(at_least, self._backoff.delay_seconds(failures, self._random())))


def _asked_for(error: DeliveryError) -> float:
    return (error.retry_after_seconds or 0.0) if isinstance(error, QueueBusy) else 0.0


def _reraise_cancellation() -> None:
    """A task group that ends by a lost lease swallows a cancellation of this worker that came at the same moment."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _failure(lease: Lease, outcome: AnalyzerFailure) -> FailRequest:
    return FailRequest(lease=lease.lease, reason=outcome.reason[:TEXT_MAX_CHARACTERS], retry=outcome.retry)


def _verdict(lease: Lease, outcome: AnalyzerVerdict, analyzer: str) -> CompleteRequest:
    return CompleteRequest(
        lease=lease.lease,
        conclusion=outcome.conclusion,
        score=outcome.score,
        analyzer=analyzer,
        family=outcome.family,
        note=outcome.note,
    )
