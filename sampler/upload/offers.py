"""Offering: manifests of deliveries that run at the same time travel together.

The first goes at once; those that come while it is under way go in the next request, as many as fit. What a queue does
not accept of several is offered to it alone, so that each refusal is heard in full; so is everything to a queue that
does not know how to take several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sampler.errors import QueueFaulty, SamplerError
from sampler.limits import MANIFEST_MAX_BYTES, OFFERS_MAX_COUNT
from sampler.runtime.tasks import TaskKeeper
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.upload.packing import Packing
from sampler.wire import routes
from sampler.wire.batch_messages import OfferAnswers
from sampler.wire.messages import ManifestAnswer

_NOT_KNOWN: Final = frozenset({404, 405})
"""What a queue says that cannot take several yet."""
_JSON: Final = {"Content-Type": "application/json"}
_BEGIN, _BETWEEN, _END = b'{"manifests":[', b",", b"]}"


@dataclass(frozen=True, slots=True)
class _Offer:
    manifest: bytes
    answer: asyncio.Future[ManifestAnswer | None]
    """``None``: it has to be offered alone."""


class Offers:
    """Those of one link; ``close`` it."""

    def __init__(self, exchange: Exchange, packing: Packing, url: Callable[[], str]) -> None:
        """``url`` says where the queue is now; ``packing`` learns from its answers."""
        self._exchange = exchange
        self._packing = packing
        self._url = url
        self._several = True
        self._waiting: list[_Offer] = []
        self._sending = False
        self._keeper = TaskKeeper("offers")

    async def close(self) -> None:
        """Break off what is under way."""
        await self._keeper.close()

    async def submit(self, manifest: bytes) -> ManifestAnswer:
        """Offer one; the same manifest again changes nothing and gets the same answer.

        Raises:
            QueueUnreachable, QueueBusy, QueueRefused, QueueFaulty: it was not accepted.
        """
        offer = _Offer(manifest, asyncio.get_running_loop().create_future())
        self._waiting.append(offer)
        if not self._sending:
            self._sending = True
            self._keeper.start("send", self._send())
        return await offer.answer or await self._alone(manifest)

    async def _send(self) -> None:
        under_way: Sequence[_Offer] = ()
        try:
            while under_way := self._next():
                await self._settle(under_way)
        finally:
            self._sending = False
            _fail([*under_way, *self._waiting], QueueFaulty("offering was broken off; it is tried again later"))

    def _next(self) -> Sequence[_Offer]:
        """As many as fit into one request, those that came first; whoever was cancelled offers nothing."""
        self._waiting = [offer for offer in self._waiting if not offer.answer.done()]
        length, count = len(_BEGIN) + len(_END), 0
        for offer in self._waiting[: OFFERS_MAX_COUNT if self._several else 1]:
            length += len(offer.manifest) + len(_BETWEEN)
            if count and length > MANIFEST_MAX_BYTES:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _settle(self, offers: Sequence[_Offer]) -> None:
        """Give each its answer; what a whole request failed of, all failed of."""
        try:
            answers = await self._asked(offers)
        except SamplerError as error:
            _fail(offers, error)
            return
        for offer, answer in zip(offers, answers, strict=True):
            if not offer.answer.done():
                offer.answer.set_result(answer)

    async def _asked(self, offers: Sequence[_Offer]) -> Sequence[ManifestAnswer | None]:
        if len(offers) == 1:
            return [await self._alone(offers[0].manifest)]
        what = f"offering {len(offers)} manifests"
        answer = await self._exchange.ask(
            routes.OFFER.method,
            self._url() + routes.OFFER.path,
            headers=_JSON,
            body=_BEGIN + _BETWEEN.join(offer.manifest for offer in offers) + _END,
            repeatable=True,
        )
        if answer.status in _NOT_KNOWN:
            self._several = False
            return [None] * len(offers)
        self._packing.learn(answer)
        answers = message_of(require(answer, what, 200), OfferAnswers, what).answers
        if len(answers) != len(offers):
            raise QueueFaulty(f"{what}: the queue answered for {len(answers)}")
        return [each.accepted for each in answers]

    async def _alone(self, manifest: bytes) -> ManifestAnswer:
        answer = await self._exchange.ask(
            routes.SUBMIT.method,
            self._url() + routes.SUBMIT.path,
            headers=_JSON,
            body=manifest,
            repeatable=True,
        )
        self._packing.learn(answer)
        what = "offering a manifest"
        return message_of(require(answer, what, 200, 201), ManifestAnswer, what)


def _fail(offers: Sequence[_Offer], error: SamplerError) -> None:
    for offer in offers:
        if not offer.answer.done():
            offer.answer.set_exception(error)
