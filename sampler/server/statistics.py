"""Statistics: hosts report their days, people read the numbers of closed ones."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import STATISTICS_PAGE_MAX_DAYS, STATISTICS_REPORT_MAX_BYTES
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_json
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.codec import decode
from sampler.wire.routes import Route
from sampler.wire.statistics_messages import StatisticsReport


class Statistics:
    """Answers about statistics."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.STATISTICS: self.statistics,
            routes.STATISTICS_KEY: self.key,
            routes.REPORT_STATISTICS: self.report,
        }

    async def statistics(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Closed days from ``since`` to ``until``."""
        since, until = queries.days(request, "since", "until")
        limit = queries.whole_number(request, "limit", STATISTICS_PAGE_MAX_DAYS, least=1, most=STATISTICS_PAGE_MAX_DAYS)
        return message(await self._queue.statistics(since, until, limit))

    async def key(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What hosts hash distinct objects of a day with."""
        return message(await self._queue.statistics_key(queries.day(request, "day")))

    async def report(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Take the calling host's day. The device is not kept with it."""
        report = decode(await read_json(request, STATISTICS_REPORT_MAX_BYTES), StatisticsReport)
        return message(await self._queue.add_report(caller.host, report))
