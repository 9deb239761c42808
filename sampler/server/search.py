"""Search over submissions, for people."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.queue import Queue
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.routes import Route
from sampler.wire.search_messages import SearchRequest


class Search:
    """Answers to searches."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.SEARCH: self.search}

    async def search(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A page of what meets the conditions; an analyst finds what is the tenant's own."""
        asked = await read_message(request, SearchRequest)
        return message(await self._queue.search(asked, caller.scope))
