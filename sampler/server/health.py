"""Whether the server lives, whether it can store, and what its interface is."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.errors import QueueError, StorageError
from sampler.queue import Queue
from sampler.runtime.blocking import off_loop
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.routing import Answer
from sampler.wire import openapi, routes
from sampler.wire.messages import Health as HealthMessage
from sampler.wire.routes import Route


class Health:
    """Answers to whoever watches the server."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.HEALTH: self.health, routes.READY: self.ready, routes.OPENAPI: self.openapi}

    async def health(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The process answers."""
        return message(HealthMessage(status="ok"))

    async def ready(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The ledger answers, and there is room for contents."""
        try:
            await self._queue.check_ready()
        except (QueueError, StorageError) as error:
            return message(HealthMessage(status="not ready", detail=str(error)), status=503)
        return message(HealthMessage(status="ok"))

    async def openapi(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """This interface, as OpenAPI 3.1."""
        return web.Response(body=await off_loop(openapi.encoded), content_type="application/json")
