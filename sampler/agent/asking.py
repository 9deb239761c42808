"""Answers to the queue's asks for more of an object: the same decision as ever, over what was kept of it.

An ask is answered once its outcome is durable here. The answer's identifier follows from the ask's, so that a crash
between the two, or an answer that got lost, brings the same submission again and not a second one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

import structlog

from sampler.agent.keeping import KeptObject
from sampler.agent.pipeline import Pipeline
from sampler.agent.recalling import why_taken_back
from sampler.agent.taken import Taken
from sampler.errors import ConsentError, JournalError, SamplerError
from sampler.limits import LONG_POLL_MAX_SECONDS, TEXT_MAX_CHARACTERS
from sampler.model import Ask, ObjectRecord, ObjectState, Sampling
from sampler.runtime.backoff import Backoff
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload import QueueLink
from sampler.wire.ask_messages import AskAnswer, AskView

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=1.0, most_seconds=300.0)
_BETWEEN_EMPTY_PAGES_SECONDS: Final = 1.0
_BETWEEN_TENDING_SECONDS: Final = 2.0
_NAMES: Final = uuid.UUID("7f7ab0f0-7d0f-5a39-9d2d-5a4cf2ff5c10")
"""Namespace of the identifiers of answers (RFC 9562, section 5.5)."""
_LEFT: Final = frozenset({ObjectState.SPOOLED, ObjectState.HELD, ObjectState.DELIVERED, ObjectState.DUPLICATE})
_GONE: Final = AskAnswer(outcome="gone", reason="the host does not keep the object, or no longer")


@dataclass(slots=True)
class AskFollower:
    """Follows what the queue asks of this host."""

    pipeline: Pipeline
    link: QueueLink
    clock: Clock
    random: Callable[[], float]
    failures: int = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.clock.sleep(await self.follow_once())

    async def tend(self) -> None:
        """Let go of what is kept too long, and of all of it once no consent stands, until cancelled."""
        while True:
            await off_loop(self._let_go)
            await self.clock.sleep(_BETWEEN_TENDING_SECONDS)

    async def follow_once(self) -> float:
        """Answer one page of asks; the seconds to wait before the next."""
        try:
            page = await self.link.open_asks(LONG_POLL_MAX_SECONDS)
            for ask in page.asks:
                await self.link.answer_ask(ask.id, await self.answer(ask))
        except SamplerError as error:
            self.failures += 1
            seconds = _BACKOFF.delay_seconds(self.failures, self.random())
            log.info("asks postponed", seconds=round(seconds, 1), reason=str(error))
            return seconds
        self.failures = 0
        return 0.0 if page.asks else _BETWEEN_EMPTY_PAGES_SECONDS

    async def answer(self, ask: AskView) -> AskAnswer:
        """Decide about one ask; its outcome is durable when this returns."""
        if not await off_loop(self._consented):
            await off_loop(self._let_go)
            return AskAnswer(outcome="refused", reason="P1 no-consent: the owner's consent does not stand")
        if await off_loop(why_taken_back, self.pipeline.spool, ask.submission) is not None:
            return _GONE
        answer_id = str(uuid.uuid5(_NAMES, ask.id))
        if (known := await off_loop(self.pipeline.spool.get, answer_id)) is not None:
            return _answer_of(known)
        with ExitStack() as stack:
            keeper, snapshots = self.pipeline.keeper, self.pipeline.snapshots
            bringing = keeper.brought_back(ask.submission, snapshots, self.clock.now())
            kept = await off_loop(stack.enter_context, bringing)
            return _GONE if kept is None else _answer_of(await self._decide(ask, answer_id, kept))

    async def _decide(self, ask: AskView, answer_id: str, kept: KeptObject) -> ObjectRecord:
        candidate = replace(kept.candidate, event_id=answer_id, answers=ask.id, follows=ask.submission)
        asked = Ask(Sampling(ask.wants), ask.parts, ask.context)
        return await self.pipeline.answer(candidate, Taken(kept.snapshot, asked=asked))

    def _let_go(self) -> None:
        """Of what is kept too long, and of everything once the owner's consent does not stand."""
        store = self.pipeline.keeper.store
        if not self._consented() and (number := store.forget_all()):
            log.info("without a consent nothing is kept for further asks", objects=number)
        store.sweep(self.clock.now())

    def _consented(self) -> bool:
        try:
            consent = self.pipeline.consents.load()
        except (ConsentError, JournalError):
            return False
        return consent is not None and consent.stands(self.clock.now())


def _answer_of(record: ObjectRecord) -> AskAnswer:
    left_out = "; ".join(f"{omission.what}: {omission.reason}" for omission in record.omissions)
    if record.state in _LEFT:
        return AskAnswer(outcome="sent", answer=record.event_id, reason=left_out[:TEXT_MAX_CHARACTERS] or None)
    reason = f"{record.rule}: {record.detail}" if record.rule else record.detail or record.state.value
    return AskAnswer(outcome="refused", reason=reason[:TEXT_MAX_CHARACTERS])
