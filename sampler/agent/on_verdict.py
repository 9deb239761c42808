"""Telling the administrator's command of verdicts, so that the scanner that asked can block or release.

A call is durable before the verdict counts as told, and forgotten once the command has ended with 0: whenever the agent
is killed, the command is run at least once, and may be run once more. One that fails is tried again, later and later,
and given up by name. The calls of one object are made one at a time, in their order
unless one has to be tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from sampler.agent.on_verdict_notice import environment_of, notice_of
from sampler.agent.on_verdict_process import run_command
from sampler.agent.verdict_settings import OnVerdictSection
from sampler.errors import SamplerError
from sampler.limits import CALLS_KEPT_SECONDS, TEXT_MAX_CHARACTERS
from sampler.model import KnownFrom, ObjectRecord, Verdict, VerdictCall
from sampler.runtime.backoff import Backoff
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload.pause import pause
from sampler.wire.codec import encode

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=2.0, most_seconds=900.0)
_LOOK_SECONDS: Final = 60.0
_HIDDEN_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 0.05
_KEPT: Final = timedelta(seconds=CALLS_KEPT_SECONDS)


class CallLedger(Protocol):
    """Owed calls (``storage.SqliteCalls`` is one). Any method may raise ``StorageError``."""

    def note(self, call: VerdictCall, now: datetime) -> bool:
        """Owe it from now on, unless it is noted already."""

    def due(self, now: datetime, limit: int) -> tuple[VerdictCall, ...]:
        """Those to be made now, in the order in which they became due."""

    def next_due(self) -> datetime | None:
        """When the next one is to be made; ``None`` when none is owed."""

    def done(self, call: VerdictCall) -> None:
        """It succeeded."""

    def failed(self, call: VerdictCall, due: datetime | None) -> None:
        """Count one more attempt; ``None``: it is given up."""

    def counts(self) -> tuple[int, int]:
        """How many are owed, and how many were given up."""

    def forget(self, before: datetime) -> int:
        """Let go of ended ones that were noted before."""


@dataclass(slots=True)
class VerdictCaller:
    """Owes calls and makes them."""

    ledger: CallLedger
    settings: OnVerdictSection
    clock: Clock
    random: Callable[[], float]
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _busy: set[str] = field(default_factory=set, init=False)
    """Objects about which the command is running."""

    def owe(self, record: ObjectRecord, verdict: Verdict, source: KnownFrom) -> None:
        """Note that the command has to be told; durable when this returns. Blocking.

        Raises:
            StorageError: it cannot be noted.
        """
        if self.settings.command and verdict.conclusion in self.settings.conclusions and record.sha256 is not None:
            now = self.clock.now()
            self.ledger.note(VerdictCall(record.event_id, encode(notice_of(record, verdict, source)), now), now)

    def wake(self) -> None:
        """Look at what is owed now."""
        self._wake.set()

    def status(self) -> str:
        """One line for ``sampler agent status``; empty where no command is set. Blocking."""
        if not self.settings.command:
            return ""
        owed, given_up = self.ledger.counts()
        return f"{owed} owed, {given_up} given up; runs {self.settings.command[0]}"

    def forget(self) -> None:
        """Let go of calls that ended long ago. Blocking."""
        try:
            self.ledger.forget(self.clock.now() - _KEPT)
        except SamplerError as error:
            log.warning("calls that ended long ago stay", error=str(error))

    async def run(self) -> None:
        """Make calls until cancelled; those under way are killed then, and made again another time."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for call in await self._take():
                    self._busy.add(call.event_id)
                    group.create_task(self._job(call), name=f"on_verdict {call.event_id}")
                await pause(self._wake, self.clock, await self._rest_seconds())

    async def _take(self) -> list[VerdictCall]:
        """What to begin now: of each object the oldest."""
        room, now = self.settings.parallel - len(self._busy), self.clock.now()
        if room <= 0:
            return []
        try:
            due = await off_loop(self.ledger.due, now, room + 2 * self.settings.parallel)
        except SamplerError as error:
            log.error("calls about verdicts cannot be read", error=str(error))
            return []
        first = {call.event_id: call for call in reversed(due) if call.event_id not in self._busy}
        return list(reversed(first.values()))[:room]

    async def _rest_seconds(self) -> float:
        """Until something may have become due; calls that are being made hide what becomes due next."""
        try:
            due = await off_loop(self.ledger.next_due)
        except SamplerError:
            return _LOOK_SECONDS
        if due is None:
            return _LOOK_SECONDS
        least = _HIDDEN_LOOK_SECONDS if self._busy else _AGAIN_SECONDS
        return min(max((due - self.clock.now()).total_seconds(), least), _LOOK_SECONDS)

    async def _job(self, call: VerdictCall) -> None:
        """The job boundary: whatever goes wrong with one call, the others go on."""
        try:
            await self._make(call)
        except Exception:
            log.exception("a call about a verdict ended by an error", event_id=call.event_id)
        finally:
            self._busy.discard(call.event_id)
            self._wake.set()

    async def _make(self, call: VerdictCall) -> None:
        try:
            trouble = (await run_command(self.settings, call.document, environment_of(call))).trouble
        except OSError as error:
            trouble = f"it cannot be started: {error}"
        if trouble:
            await self._failed(replace(call, detail=trouble[:TEXT_MAX_CHARACTERS]))
        else:
            await off_loop(self.ledger.done, call)
            log.info("on_verdict done", event_id=call.event_id)

    async def _failed(self, call: VerdictCall) -> None:
        attempts = call.attempts + 1
        seconds = _BACKOFF.delay_seconds(attempts, self.random())
        due = None if attempts >= self.settings.attempts else self.clock.now() + timedelta(seconds=seconds)
        say = log.error if due is None else log.warning
        say("on_verdict failed", event_id=call.event_id, attempt=attempts, gives_up=due is None, reason=call.detail)
        await off_loop(self.ledger.failed, call, due)
