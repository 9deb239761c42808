"""Retention and the numbers that outlive it: administrators see what is due, run it and place holds."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import RETENTION_PAGE_MAX_COUNT
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.retention_messages import HoldRequest, Part, RunRequest
from sampler.wire.rollup_messages import Dimension
from sampler.wire.routes import Route


class Retention:
    """Answers about retention."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.RETENTION: self.status,
            routes.RETENTION_DUE: self.due,
            routes.RETENTION_RUN: self.run,
            routes.HOLDS: self.holds,
            routes.PLACE_HOLD: self.place,
            routes.LIFT_HOLD: self.lift,
            routes.ROLLUPS: self.rollups,
        }

    async def status(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The rules, and what is due by them."""
        return message(await self._queue.retention())

    async def due(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What would be destroyed; nothing is changed."""
        limit = queries.whole_number(request, "limit", RETENTION_PAGE_MAX_COUNT, least=1, most=RETENTION_PAGE_MAX_COUNT)
        part = queries.word(request, "part", Part) or Part.CONTENTS
        page = await self._queue.due(part, queries.moment(request, "at"), request.query.get("after"), limit)
        return message(page)

    async def run(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Destroy some of what is due now."""
        asked = await read_message(request, RunRequest)
        return message(await self._queue.run_retention(asked.limit, by=caller.actor))

    async def holds(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Holds, the newest first."""
        lifted = queries.whole_number(request, "lifted", 0, most=1)
        return message(await self._queue.holds(lifted=bool(lifted)))

    async def place(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Let retention leave something alone."""
        asked = await read_message(request, HoldRequest)
        return message(await self._queue.place_hold(asked, caller.actor), status=201)

    async def lift(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Let retention go on with it."""
        return message(await self._queue.lift_hold(request.match_info["id"], caller.actor))

    async def rollups(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Numbers by day; an analyst sees those of the own tenant."""
        since, until = queries.days(request, "since", "until")
        dimension = queries.word(request, "by", Dimension)
        return message(await self._queue.rollups(since, until, tenant=caller.scope, dimension=dimension))
