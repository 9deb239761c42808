"""Verdicts on their way back: long polls from a durable cursor on, each verdict kept before the cursor moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from sampler.errors import QueueFaulty, SamplerError
from sampler.limits import LONG_POLL_MAX_SECONDS
from sampler.model import Verdict
from sampler.runtime.backoff import Backoff
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload.answers import plain, utc
from sampler.upload.link import QueueLink
from sampler.upload.ports import OnVerdict, Outbox
from sampler.wire.messages import VerdictEvent, VerdictMessage, VerdictPage

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=0.5, most_seconds=60.0)
_BETWEEN_EMPTY_PAGES_SECONDS: Final = 1.0
"""So that a queue that does not hold its answers back is not asked in a tight loop."""


def _nobody_asks(error: SamplerError | None) -> None:
    """For callers who need not know."""


class VerdictFollower:
    """Keeps this host's verdicts in its records.

    A verdict is durable before the cursor that passes it; a crash between the two brings it once more, unchanged.
    """

    def __init__(
        self,
        outbox: Outbox,
        link: QueueLink,
        *,
        clock: Clock,
        random: Callable[[], float],
        on_verdict: OnVerdict | None = None,
        on_contact: Callable[[SamplerError | None], None] = _nobody_asks,
    ) -> None:
        """``on_contact`` is told of each failure, and ``None`` of each page."""
        self._outbox = outbox
        self._link = link
        self._clock = clock
        self._random = random
        self._on_verdict = on_verdict
        self._on_contact = on_contact
        self._failures = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._clock.sleep(await self.follow_once())

    async def follow_once(self) -> float:
        """Ask for one page and keep what it brings; returns the seconds to wait before the next."""
        try:
            events = await self._follow_page()
        except SamplerError as error:
            self._on_contact(error)
            self._failures += 1
            seconds = _BACKOFF.delay_seconds(self._failures, self._random())
            log.info("verdicts postponed", seconds=round(seconds, 1), reason=str(error))
            return seconds
        self._on_contact(None)
        self._failures = 0
        return 0.0 if events else _BETWEEN_EMPTY_PAGES_SECONDS

    async def _follow_page(self) -> int:
        cursor = await off_loop(self._outbox.cursor)
        page = await self._link.verdicts(cursor, LONG_POLL_MAX_SECONDS)
        _check(page, cursor)
        for event in page.events:
            await self._keep(event)
        if page.cursor != cursor:
            await off_loop(self._outbox.set_cursor, page.cursor)
        return len(page.events)

    async def _keep(self, event: VerdictEvent) -> None:
        verdict = verdict_of(event.verdict)
        record = await off_loop(self._outbox.set_verdict, event.submission, verdict, self._clock.now())
        if record is None:
            log.warning("verdict for an object that is not known here", event_id=event.submission)
        elif self._on_verdict is not None:
            await self._on_verdict(record, verdict)


def verdict_of(message: VerdictMessage) -> Verdict:
    """The model's verdict; its texts made fit for a terminal, a time without a zone taken as UTC."""
    return Verdict(
        conclusion=message.conclusion,
        score=message.score,
        analyzer=plain(message.analyzer),
        at=utc(message.at),
        family=None if message.family is None else plain(message.family),
        note=None if message.note is None else plain(message.note),
        expires=None if message.expires is None else utc(message.expires),
    )


def _check(page: VerdictPage, cursor: int) -> None:
    """A cursor that does not move on would bring the same page for ever."""
    if page.cursor < cursor or (page.events and page.cursor == cursor):
        raise QueueFaulty(f"waiting for verdicts: the queue's cursor goes from {cursor} to {page.cursor}")
