"""Delivering one object: manifest, then what the queue wants of its contents, then asking whether it has everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from sampler.errors import DeliveryError, OutsideHours, QueueFaulty, SamplerError
from sampler.limits import KIB
from sampler.model import Content, ObjectState, Waiting
from sampler.runtime.blocking import off_loop
from sampler.upload.link import QueueLink
from sampler.upload.ports import Check, OnEvent, Outbox
from sampler.upload.together import together
from sampler.wire.messages import ManifestAnswer

log = structlog.get_logger()

_OFFERED_AGAIN_MAX_BYTES: Final = 64 * KIB
"""A larger manifest does not travel twice to find out what is missing of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an object ended."""

    state: ObjectState
    detail: str


@dataclass(slots=True)
class Chain:
    """What is known of the attempts at one object since this process began; an attempt goes on where the last ended."""

    fruitless: int
    """Attempts one after the other in which no byte of a content travelled."""
    journaled: bool
    """Whether the owner's journal has it that the manifest leaves."""
    sent_bytes: int = 0
    """Content bytes that travelled."""

    @classmethod
    def of(cls, waiting: Waiting) -> Chain:
        """A counted attempt has been journaled: an object is never postponed before that."""
        return cls(fruitless=waiting.attempts, journaled=waiting.attempts > 0)


class _Withdrawn(SamplerError):
    """It may no longer be sent; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Delivering:
    """One attempt at one object."""

    waiting: Waiting
    chain: Chain
    outbox: Outbox
    link: QueueLink
    check: Check
    on_event: OnEvent
    on_answer: Callable[[], None]
    """Called when the queue has answered for the first time."""
    now: Callable[[], datetime]

    async def run(self) -> Outcome:
        """The object's end: delivered, a duplicate, or recalled.

        Raises:
            DeliveryError: the exchange did not succeed.
            SamplerError: spool or journal failed; a manifest that could not be journaled did not leave.
        """
        try:
            return await self._deliver()
        except _Withdrawn as reason:
            await self._terminate_uploads()
            return Outcome(ObjectState.RECALLED, str(reason))

    async def _deliver(self) -> Outcome:
        await self._ask()
        await self._journal()
        await self._ask()  # a recall that looked for the entry before it was there is seen now
        answer = await self.link.submit(self.waiting.manifest)
        self.on_answer()
        contents = {content.sha256: content for content in self.waiting.contents}
        wanted = self._wanted(answer, contents)
        await together(self._upload(content) for content in wanted)
        if wanted:
            await self._confirm()
        return await self._outcome(wanted)

    async def _ask(self) -> None:
        reason = await self.check(self.waiting)
        if reason is not None:
            raise _Withdrawn(reason)

    async def _ask_for(self, content: Content) -> None:
        """Whether it may still be sent, and now."""
        await self._ask()
        wait = self.link.terms.wait_seconds(content.size, self.now())
        if wait:
            raise OutsideHours(f"{content.size} bytes wait for the hours in which large contents travel", wait)

    async def _journal(self) -> None:
        """Before the first byte leaves. A crash right after it makes a second entry that says the same."""
        if not self.chain.journaled:
            offered = [content.sha256 for content in self.waiting.contents]
            await self.on_event("offered", self.waiting, {"contents": offered})
            self.chain.journaled = True

    def _wanted(self, answer: ManifestAnswer, contents: dict[str, Content]) -> list[Content]:
        """Only what was offered is ever sent, whatever is asked for."""
        if answer.id != self.waiting.event_id or not contents.keys() >= set(answer.wanted):
            raise QueueFaulty(
                f"{self.waiting.event_id}: the queue answered for another object, or wants what none offered"
            )
        return [contents[sha256] for sha256 in dict.fromkeys(answer.wanted)]

    async def _upload(self, content: Content) -> None:
        """That it was begun is remembered first, so that a crash never makes a delivery look like a duplicate."""
        event_id, sha256 = self.waiting.event_id, content.sha256
        resume_url = await off_loop(self.outbox.upload_url, event_id, sha256)

        async def remember(url: str) -> None:
            await off_loop(self.outbox.remember_upload, event_id, sha256, url)

        await self._ask_for(content)
        if resume_url is None:
            await remember("")
        await self.link.upload(
            event_id,
            content,
            self.outbox.open_content,
            resume_url=resume_url,
            on_created=remember,
            before_chunk=partial(self._ask_for, content),
            on_sent=self._count,
        )

    def _count(self, length: int) -> None:
        self.chain.sent_bytes += length

    async def _confirm(self) -> None:
        """Offer it again, which others do at the same time: nothing may be wanted any more."""
        if len(self.waiting.manifest) <= _OFFERED_AGAIN_MAX_BYTES:
            missing = (await self.link.submit(self.waiting.manifest)).wanted
        else:
            missing = (await self.link.submission(self.waiting.event_id)).missing
        if missing:
            raise QueueFaulty(f"{self.waiting.event_id}: the queue still lacks {len(missing)} contents")

    async def _outcome(self, wanted: list[Content]) -> Outcome:
        count = len(self.waiting.contents)
        if count and not wanted and not await self._begun():
            return Outcome(ObjectState.DUPLICATE, "the queue had every content already; only the manifest travelled")
        return Outcome(ObjectState.DELIVERED, f"the queue has verified all {count} contents" if count else "")

    async def _begun(self) -> list[str]:
        """What ``remember_upload`` knows of this object's contents."""
        urls = []
        for content in self.waiting.contents:
            url = await off_loop(self.outbox.upload_url, self.waiting.event_id, content.sha256)
            if url is not None:
                urls.append(url)
        return urls

    async def _terminate_uploads(self) -> None:
        """Have the queue forget bytes it was given; what cannot be ended now, the queue lets expire."""
        for url in filter(None, await self._begun()):
            try:
                await self.link.terminate(url)
            except DeliveryError as error:
                log.warning("upload not ended", event_id=self.waiting.event_id, reason=str(error))
