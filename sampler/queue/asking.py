"""The part of the queue that asks hosts for more of an object, and takes their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sampler.errors import NotFound, TooMany
from sampler.limits import ASKS_PAGE_MAX_COUNT
from sampler.queue import asks
from sampler.queue.acts import Act, Actor, note
from sampler.queue.asks import AskRecord
from sampler.queue.core import Core, asks_bell
from sampler.queue.ports import Ledger
from sampler.queue.receiving import SWEEP_MAX_COUNT, own_submission
from sampler.queue.waking import rung
from sampler.wire.ask_messages import AskAnswer, AskPage, AskRequest, AskView
from sampler.wire.audit_messages import Action


class Asking(Core):
    """Asks. The host decides: by its statement, consent and policy, as for everything that leaves it."""

    async def ask(self, submission_id: str, asked: AskRequest, by: Actor | None = None) -> AskView:
        """Ask a submission's host for more of its object; the same open ask again is not asked twice.

        Raises:
            NotFound: there is no such submission.
            TooMany: its host has too many unanswered asks.
        """
        now = self._clock.now()
        expires = now + timedelta(seconds=self._policy.ask_seconds)

        def made(device: str) -> AskRecord:
            return AskRecord(self._new_id(), submission_id, device, asked, now, expires)

        act = self._act(by, Action.ASK, asked.note or "")
        ask = await self._step(_add, submission_id, made, self._policy.open_asks_per_device_max, act)
        self._bells.ring(asks_bell(ask.device))
        return ask.view()

    async def asks(self, submission_id: str | None, limit: int, tenant: str | None = None) -> AskPage:
        """Asks, the newest first; a tenant's where it is named."""
        found = await self._step(lambda ledger: ledger.asks(submission_id, limit, tenant))
        return AskPage(asks=tuple(ask.view() for ask in found))

    async def open_asks(self, device: str, wait: float) -> AskPage:
        """A device's open asks, the oldest first; when there are none, waits at most ``wait`` seconds for one."""
        until = asyncio.get_running_loop().time() + wait
        while True:
            bell = self._bells.listen(asks_bell(device))
            found = await self._step(lambda ledger: ledger.open_asks(device, ASKS_PAGE_MAX_COUNT))
            left = until - asyncio.get_running_loop().time()
            if found or self._bells.silenced or not await rung(bell, left):
                return AskPage(asks=tuple(ask.view() for ask in found))

    async def answer_ask(self, device: str, ask_id: str, answer: AskAnswer) -> AskView:
        """Take a host's answer.

        Raises:
            NotFound: this device was asked no such thing.
            Conflict: the ask has ended otherwise.
        """
        return (await self._step(_answer, device, ask_id, answer)).view()

    async def expire_asks(self) -> int:
        """Wait no more for hosts that did not answer in time; how many asks that ended."""
        return await self._step(_expire, self._clock.now())


def _add(ledger: Ledger, submission_id: str, made: Callable[[str], AskRecord], most: int, act: Act | None) -> AskRecord:
    with ledger.transaction():
        ask = made(own_submission(ledger, submission_id, None).device)
        waiting = ledger.open_asks(ask.device, most)
        same = next((each for each in waiting if (each.submission, each.asked) == (submission_id, ask.asked)), None)
        if same is not None:
            return same
        if len(waiting) >= most:
            raise TooMany(f"the host has {len(waiting)} unanswered asks; wait until it has answered some of them")
        ledger.add_ask(ask)
        note(ledger, act, submission_id)
    return ask


def _answer(ledger: Ledger, device: str, ask_id: str, answer: AskAnswer) -> AskRecord:
    with ledger.transaction():
        ask = ledger.ask(ask_id)
        if ask is None or ask.device != device:
            raise NotFound(f"no ask {ask_id} of this device")
        after = asks.answered(ask, answer)
        ledger.put_ask(after)
    return after


def _expire(ledger: Ledger, now: datetime) -> int:
    with ledger.transaction():
        overdue = ledger.overdue_asks(now, SWEEP_MAX_COUNT)
        for ask in overdue:
            ledger.put_ask(asks.expired(ask))
    return len(overdue)
