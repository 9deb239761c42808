"""Fetching a queue's list of known good files. Nothing is checked or believed here."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from sampler.errors import QueueFaulty
from sampler.limits import KNOWN_GOOD_PIECE_BYTES
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.wire import routes
from sampler.wire.known_good_messages import KnownGoodOffer
from sampler.wire.receipt_messages import Signed


class KnownGoodLink:
    """The part of a ``QueueLink`` that fetches the list; every method may raise what those of it may."""

    def __init__(self, exchange: Exchange, url: Callable[[], str]) -> None:
        """``url`` says where the queue is now."""
        self._exchange = exchange
        self._url = url

    async def header(self) -> Signed | None:
        """The present list's header; ``None`` where the queue has published none."""
        what = "asking for the list of known good files"
        answer = await self._exchange.ask(
            routes.KNOWN_GOOD.method, self._url() + routes.KNOWN_GOOD.path, repeatable=True
        )
        return message_of(require(answer, what, 200), KnownGoodOffer, what).header

    async def piece(self, sha256: str, piece: int) -> bytes:
        """One piece of a list."""
        what = f"fetching piece {piece} of the list of known good files"
        url = f"{self._url()}{routes.KNOWN_GOOD_PIECE.at(sha256=sha256)}?{urlencode({'piece': piece})}"
        answer = require(await self._exchange.ask(routes.KNOWN_GOOD_PIECE.method, url, repeatable=True), what, 200)
        if not 0 < len(answer.body) <= KNOWN_GOOD_PIECE_BYTES:
            raise QueueFaulty(f"{what}: it has {len(answer.body)} bytes")
        return answer.body
