"""Asks for more of an object: people make them, hosts read and answer them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import ASKS_PAGE_MAX_COUNT, LONG_POLL_MAX_SECONDS
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.ask_messages import AskAnswer, AskRequest
from sampler.wire.routes import Route


class Asks:
    """Answers about asks."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.ASK: self.ask,
            routes.ASKS: self.asks,
            routes.OPEN_ASKS: self.open_asks,
            routes.ANSWER_ASK: self.answer,
        }

    async def ask(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Ask a submission's host for more."""
        asked = await read_message(request, AskRequest)
        return message(await self._queue.ask(request.match_info["id"], asked, caller.actor), status=201)

    async def asks(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What was asked, the newest first."""
        limit = queries.whole_number(request, "limit", ASKS_PAGE_MAX_COUNT, least=1, most=ASKS_PAGE_MAX_COUNT)
        return message(await self._queue.asks(queries.identifier(request, "submission"), limit, caller.scope))

    async def open_asks(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What the calling host has not answered yet."""
        wait = queries.seconds(request, "wait", most=LONG_POLL_MAX_SECONDS)
        return message(await self._queue.open_asks(caller.host, wait))

    async def answer(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Take the calling host's answer."""
        answer = await read_message(request, AskAnswer)
        return message(await self._queue.answer_ask(caller.host, request.match_info["id"], answer))
