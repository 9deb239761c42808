"""Receipts for hosts; heads of their log, and proofs about it, for hosts and auditors."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.identity import PublicKey
from sampler.limits import LONG_POLL_MAX_SECONDS
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.receipt_messages import LogKey
from sampler.wire.routes import Route


class Receipts:
    """Answers about receipts."""

    def __init__(self, queue: Queue, key: PublicKey) -> None:
        self._queue = queue
        self._key = key

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.RECEIPTS: self.receipts,
            routes.LOG_KEY: self.key,
            routes.LOG_HEAD: self.head,
            routes.LOG_CONSISTENCY: self.consistency,
            routes.LOG_INCLUSION: self.inclusion,
        }

    async def receipts(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The calling host's receipts behind a cursor."""
        after = queries.whole_number(request, "after", 0)
        wait = queries.seconds(request, "wait", most=LONG_POLL_MAX_SECONDS)
        return message(await self._queue.receipts(caller.host, after, wait))

    async def key(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What all signatures of this queue are checked with."""
        return message(LogKey(key=str(self._key)))

    async def head(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The log as it is now."""
        return message(await self._queue.log_head())

    async def consistency(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """That the log only grew between two sizes."""
        first, second = queries.whole_number(request, "first", 0), queries.whole_number(request, "second", 0)
        return message(await self._queue.log_consistency(first, second))

    async def inclusion(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """That a receipt is in the log."""
        position, size = queries.whole_number(request, "position", 0), queries.whole_number(request, "size", 0)
        return message(await self._queue.log_inclusion(position, size))
