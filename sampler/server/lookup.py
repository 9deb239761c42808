"""Private look-ups by hosts, and the list of known good files that they hold."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import KNOWN_GOOD_MAX_BYTES, KNOWN_GOOD_PIECE_BYTES, LOOKUP_BITS_MAX
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.routes import Route


class LookUps:
    """Answers about files that the queue knows."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.LOOKUP_TERMS: self.terms,
            routes.LOOKUP: self.look_up,
            routes.KNOWN_GOOD: self.known_good,
            routes.KNOWN_GOOD_PIECE: self.known_good_piece,
        }

    async def terms(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """By how many bits the calling host may ask."""
        return message(await self._queue.lookup_terms(caller.host))

    async def known_good(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The header of the list of known good files."""
        return message(await self._queue.known_good())

    async def known_good_piece(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A piece of that list."""
        piece = queries.whole_number(request, "piece", 0, most=KNOWN_GOOD_MAX_BYTES // KNOWN_GOOD_PIECE_BYTES)
        data = await self._queue.known_good_piece(request.match_info["sha256"], piece)
        return web.Response(body=data, content_type="application/octet-stream")

    async def look_up(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What is listed under a prefix."""
        bits = queries.whole_number(request, "bits", 0, most=LOOKUP_BITS_MAX)
        prefix = queries.whole_number(request, "prefix", 0, most=(1 << bits) - 1)
        return message(await self._queue.look_up(caller.host, bits, prefix))
