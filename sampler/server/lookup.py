"""Private look-ups by hosts."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import LOOKUP_BITS_MAX
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
        return {routes.LOOKUP_TERMS: self.terms, routes.LOOKUP: self.look_up}

    async def terms(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """By how many bits the calling host may ask."""
        return message(await self._queue.lookup_terms(caller.host))

    async def look_up(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What is listed under a prefix."""
        bits = queries.whole_number(request, "bits", 0, most=LOOKUP_BITS_MAX)
        prefix = queries.whole_number(request, "prefix", 0, most=(1 << bits) - 1)
        return message(await self._queue.look_up(caller.host, bits, prefix))
