"""Tells the queue of recalls until it has confirmed each under its signature. It needs no consent: it only narrows."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from sampler.agent.recalling import Recaller
from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import QueueFaulty, SamplerError
from sampler.identity import PublicKey
from sampler.model import ObjectState
from sampler.runtime.backoff import Backoff
from sampler.runtime.blocking import off_loop
from sampler.spool import Wish
from sampler.upload import QueueLink
from sampler.wire.codec import DecodeError, decode
from sampler.wire.recall_messages import RECALL_CONTEXT, RecallConfirmation
from sampler.wire.receipt_messages import Signed

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=0.5, most_seconds=300.0)
_LOOK_SECONDS: Final = 60.0
_PAGE: Final = 100


@dataclass(slots=True)
class RecallFollower:
    """Delivers the wishes that ``Recaller`` made durable, the oldest first; one that fails does not hold up others."""

    recaller: Recaller
    link: QueueLink
    pin: PinnedKey
    device: str
    random: Callable[[], float]
    wished: asyncio.Event
    """Set when there is a new one."""
    failures: int = 0

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self.wished.clear()
            seconds = await self.follow_once()
            try:
                async with asyncio.timeout(seconds):
                    await self.wished.wait()
            except TimeoutError:
                continue

    async def follow_once(self) -> float:
        """Tell the queue of what it has not confirmed; the seconds to wait before the next."""
        failed = False
        for wish in await off_loop(self.recaller.spool.wishes, _PAGE):
            try:
                await self._tell(wish)
            except SamplerError as error:
                failed = True
                log.warning("a recall is not confirmed yet", event_id=wish.event_id, reason=str(error))
        self.failures = self.failures + 1 if failed else 0
        return _BACKOFF.delay_seconds(self.failures, self.random()) if failed else _LOOK_SECONDS

    async def _tell(self, wish: Wish) -> None:
        record = await off_loop(self.recaller.spool.get, wish.event_id)
        if record is None or not await off_loop(self.recaller.has_left, record):
            await off_loop(self._end, wish, "recalled before anything of it left", confirmed=False)
            return
        signed = await self.link.recalls.recall(wish.event_id, wish.cause)
        key = await self._key()
        confirmation = checked(key, signed, submission=wish.event_id, device=self.device)
        document = {
            "confirmation": signed.document.decode("utf-8"),
            "signature": base64.b64encode(signed.signature).decode("ascii"),
            "key": str(key),
        }
        now = self.recaller.clock.now()
        await off_loop(self.recaller.journal.append, "recall_confirmed", wish.event_id, now, document)
        await off_loop(self._end, wish, _in_words(confirmation), confirmed=True)

    def _end(self, wish: Wish, detail: str, *, confirmed: bool) -> None:
        now = self.recaller.clock.now()
        self.recaller.spool.end_wish(wish.event_id, confirmed=confirmed, detail=detail, now=now)

    async def _key(self) -> PublicKey:
        """The pinned key; at first sight, and only while a consent stands, the one that the queue shows."""
        key = await off_loop(self.pin.load)
        if key is None:
            key = PublicKey.parse(await self.link.receipts.key())
            await off_loop(self.pin.pin, key)
        return key


def checked(key: PublicKey, signed: Signed, *, submission: str, device: str) -> RecallConfirmation:
    """A confirmation that the queue signed, about this submission of this host.

    The checks, in their order: (1) the signature is the pinned key's in the context of recalls, over these bytes;
    (2) the bytes are a confirmation; (3) it is about this submission and this host.

    Raises:
        QueueFaulty: one of them fails; the wish stays.
    """
    what = f"recalling {submission}"
    if not key.has_signed(RECALL_CONTEXT, signed.document, signed.signature):  # (1)
        raise QueueFaulty(f"{what}: the confirmation is not signed by the key {key.id} that this host believes")
    try:
        confirmation = decode(signed.document, RecallConfirmation)  # (2)
    except DecodeError as error:
        raise QueueFaulty(f"{what}: the confirmation cannot be read: {error}") from error
    if (confirmation.submission, confirmation.device) != (submission, device):  # (3)
        raise QueueFaulty(f"{what}: the confirmation is about {confirmation.submission} of {confirmation.device}")
    return confirmation


def _in_words(confirmation: RecallConfirmation) -> str:
    words = f"the queue confirmed at {confirmation.done:%Y-%m-%dT%H:%M:%SZ} that it is destroyed"
    kept = f"; contents that others offer too stay: {len(confirmation.kept)}" if confirmation.kept else ""
    return f"{ObjectState.RECALLED}; {words}; contents destroyed: {len(confirmation.destroyed)}{kept}"
