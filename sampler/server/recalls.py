"""Taking back: a host recalls its submissions, and lists what the queue holds of it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import SUBMISSIONS_PAGE_MAX_COUNT
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.recall_messages import RecallRequest
from sampler.wire.routes import Route


class Recalls:
    """Answers about what a host has sent and takes back."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.RECALL: self.recall, routes.OWN_SUBMISSIONS: self.submissions}

    async def recall(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Destroy what a submission of the calling host brought."""
        asked = await read_message(request, RecallRequest)
        return message(await self._queue.recall(caller.host, request.match_info["id"], asked.cause))

    async def submissions(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The calling host's own, a page at a time."""
        most = SUBMISSIONS_PAGE_MAX_COUNT
        limit = queries.whole_number(request, "limit", most, least=1, most=most)
        after = queries.identifier(request, "after")
        return message(await self._queue.own_submissions(caller.host, after, limit))
