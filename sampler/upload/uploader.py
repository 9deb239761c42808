"""The loop that delivers: what is due, several at once, with patience for each object and for the queue as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

import structlog

from sampler.errors import DeliveryError, QueueUnreachable, SamplerError
from sampler.model import ObjectState, Waiting
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload.circuit import Circuit
from sampler.upload.delivering import Chain, Delivering, Outcome
from sampler.upload.link import QueueLink
from sampler.upload.pause import pause
from sampler.upload.ports import Check, OnEvent, OnVerdict, Outbox
from sampler.upload.reaction import PATIENT, PROMPT, Postpone, Reject, react
from sampler.upload.verdicts import VerdictFollower

log = structlog.get_logger()

_LOOK_SECONDS: Final = 60.0
"""The outbox is looked at this often even if nobody calls ``wake``."""
_HIDDEN_LOOK_SECONDS: Final = 5.0
"""The same, while objects that are under way or set aside hide what becomes due next."""
_AGAIN_SECONDS: Final = 0.05
"""Something became due between two looks."""

P = ParamSpec("P")
T = TypeVar("T")


class Uploader:
    """Delivers what waits in an outbox to one queue, and brings verdicts back.

    ``reachable`` is whether the queue answered last time (``None`` before the first), ``detail`` why not.
    """

    def __init__(
        self,
        outbox: Outbox,
        link: QueueLink,
        *,
        clock: Clock,
        check: Check,
        on_event: OnEvent,
        random: Callable[[], float],
        parallel: int = 4,
        on_verdict: OnVerdict | None = None,
    ) -> None:
        self.reachable: bool | None = None
        self.detail = ""
        self._outbox = outbox
        self._link = link
        self._clock = clock
        self._check = check
        self._on_event = on_event
        self._random = random
        self._parallel = parallel
        self._circuit = Circuit(random)
        self._follower = VerdictFollower(
            outbox, link, clock=clock, random=random, on_verdict=on_verdict, on_contact=self._contact
        )
        self._signal = asyncio.Event()
        self._busy: set[str] = set()
        self._aside: dict[str, datetime] = {}
        self._chains: dict[str, Chain] = {}

    def wake(self) -> None:
        """Look at the outbox now; something was put there."""
        self._signal.set()

    def retry(self) -> None:
        """Try the queue at once, whatever was waited for; what waits for a time of its own is the outbox's to say."""
        self._circuit.succeed()
        self._aside.clear()
        self._signal.set()

    async def run(self) -> None:
        """Deliver until cancelled; deliveries under way are broken off, and go on where they were another time."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._signal.clear()
                for waiting in await self._take():
                    self._busy.add(waiting.event_id)
                    group.create_task(self._job(waiting), name=f"deliver {waiting.event_id}")
                await pause(self._signal, self._clock, await self._rest_seconds())

    async def run_verdicts(self) -> None:
        """Wait for verdicts until cancelled, and keep each in its object's record."""
        await self._follower.run()

    async def _take(self) -> list[Waiting]:
        """What to begin now."""
        now = self._clock.now()
        self._aside = {event_id: until for event_id, until in self._aside.items() if until > now}
        room = self._circuit.room(now, len(self._busy), self._parallel)
        if not room:
            return []
        passed_over = self._busy | self._aside.keys()
        due = await self._asked(self._outbox.pending, now, room + len(passed_over))
        return [waiting for waiting in due or () if waiting.event_id not in passed_over][:room]

    async def _rest_seconds(self) -> float:
        """How long nothing can become due that could also begin."""
        now = self._clock.now()
        due = await self._asked(self._outbox.next_due)
        if due is None or len(self._busy) >= self._parallel:
            return _LOOK_SECONDS
        begin = max(due, self._circuit.retry_at or due)
        if begin <= now:
            return _HIDDEN_LOOK_SECONDS if self._busy or self._aside else _AGAIN_SECONDS
        return min((begin - now).total_seconds(), _LOOK_SECONDS)

    async def _asked(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What the outbox answers; ``None``, and patience, when its ledger fails."""
        try:
            return await off_loop(question, *args, **kwargs)
        except SamplerError as error:
            log.error("the outbox does not answer", reason=str(error))
            self._hold(str(error))
            return None

    async def _job(self, waiting: Waiting) -> None:
        """The job boundary: whatever goes wrong with one object, the others go on."""
        try:
            await self._attempt(waiting)
        except Exception as error:
            log.exception("delivery ended by an error", event_id=waiting.event_id)
            self._set_aside(waiting, f"{waiting.event_id}: {type(error).__name__} while delivering; see the log")
        finally:
            self._busy.discard(waiting.event_id)
            self._signal.set()

    async def _attempt(self, waiting: Waiting) -> None:
        chain = self._chains.setdefault(waiting.event_id, Chain.of(waiting))
        generation, sent_before = self._circuit.generation, chain.sent_bytes
        delivering = Delivering(
            waiting, chain, self._outbox, self._link, self._check, self._on_event, self._answered, self._clock.now
        )
        try:
            outcome = await delivering.run()
        except SamplerError as error:
            chain.fruitless = 1 if chain.sent_bytes > sent_before else chain.fruitless + 1
            await self._failed(waiting, chain, error, generation)
        else:
            await self._finish(waiting, chain, outcome)

    def _answered(self) -> None:
        self.reachable, self.detail = True, ""
        if self._circuit.retry_at is not None:
            self._circuit.succeed()
            self._signal.set()

    def _contact(self, error: SamplerError | None) -> None:
        """What waiting for verdicts found out: a queue that is back is delivered to at once."""
        if isinstance(error, QueueUnreachable):
            self.reachable, self.detail = False, str(error)
        elif error is None and not self.reachable:
            self._answered()

    async def _failed(self, waiting: Waiting, chain: Chain, error: SamplerError, generation: int) -> None:
        reaction = react(error)
        if isinstance(reaction, Reject):
            self._answered()
            await self._finish(waiting, chain, Outcome(reaction.state, reaction.detail))
        elif chain.journaled:
            self._judge(error, reaction, generation)
            await self._postpone(waiting, chain, reaction)
        else:
            self._set_aside(waiting, str(error))

    def _judge(self, error: SamplerError, reaction: Postpone, generation: int) -> None:
        """What it says of the queue."""
        if isinstance(error, DeliveryError):
            self.reachable, self.detail = not isinstance(error, QueueUnreachable), reaction.detail
        if reaction.shared:
            now = self._clock.now()
            self._circuit.fail(now, generation, reaction.backoff, at_least_seconds=reaction.at_least_seconds)

    async def _postpone(self, waiting: Waiting, chain: Chain, reaction: Postpone) -> None:
        now = self._clock.now()
        seconds = max(reaction.backoff.delay_seconds(chain.fruitless, self._random()), reaction.at_least_seconds)
        log.info("delivery postponed", event_id=waiting.event_id, seconds=round(seconds, 1), reason=reaction.detail)
        until = now + timedelta(seconds=seconds)
        await off_loop(self._outbox.postpone, waiting.event_id, until, detail=reaction.detail, now=now)

    async def _finish(self, waiting: Waiting, chain: Chain, outcome: Outcome) -> None:
        """The journal first: a crash between the two repeats an entry and loses none."""
        delivered = outcome.state in (ObjectState.DELIVERED, ObjectState.DUPLICATE)
        facts: Mapping[str, Any] = {
            "state": outcome.state.value,
            "detail": outcome.detail,
            "sent_bytes": chain.sent_bytes,
        }
        await self._on_event("delivered" if delivered else "refused", waiting, facts)
        await off_loop(
            self._outbox.finish,
            waiting.event_id,
            outcome.state,
            detail=outcome.detail,
            sent_bytes=chain.sent_bytes,
            now=self._clock.now(),
        )
        self._chains.pop(waiting.event_id, None)
        log.info("delivery ended", event_id=waiting.event_id, state=outcome.state.value, sent_bytes=chain.sent_bytes)

    def _set_aside(self, waiting: Waiting, detail: str) -> None:
        """Leave the object alone for a while, in memory only.

        An attempt that the outbox counts is taken as journaled; this is for those that may not have been.
        """
        now = self._clock.now()
        chain = self._chains.setdefault(waiting.event_id, Chain.of(waiting))
        self._aside[waiting.event_id] = now + timedelta(seconds=PATIENT.delay_seconds(chain.fruitless, self._random()))
        self._hold(detail)

    def _hold(self, detail: str) -> None:
        """Something on this host is wrong: begin nothing for a while, then try with one."""
        self.detail = detail
        self._circuit.fail(self._clock.now(), self._circuit.generation, PROMPT)
