"""Work for people and workers: leases, reports, and contents to analyze."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sampler.limits import TASKS_PAGE_MAX_COUNT
from sampler.queue import Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.bodies import read_message
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.messages import CancelRequest, CompleteRequest, FailRequest, LeaseRequest, RenewRequest
from sampler.wire.routes import Route


class Tasks:
    """Answers about tasks."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.LEASES: self.lease,
            routes.TASKS: self.tasks,
            routes.TASK: self.task,
            routes.RENEW: self.renew,
            routes.COMPLETE: self.complete,
            routes.FAIL: self.fail,
            routes.REQUEUE: self.requeue,
            routes.CANCEL: self.cancel,
        }

    async def lease(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Lease one task."""
        asked = await read_message(request, LeaseRequest)
        return message(
            await self._queue.lease(
                asked, tenant=caller.scope, by=caller.actor, still_wanted=lambda: _is_there(request)
            )
        )

    async def tasks(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A page of tasks."""
        page = await self._queue.tasks(
            state=queries.task_state(request, "state"),
            after=queries.identifier(request, "after"),
            limit=queries.whole_number(request, "limit", TASKS_PAGE_MAX_COUNT, least=1, most=TASKS_PAGE_MAX_COUNT),
            tenant=caller.scope,
        )
        return message(page)

    async def task(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """One task."""
        return message(await self._queue.task(request.match_info["id"]))

    async def renew(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Keep a lease longer."""
        return message(await self._queue.renew(request.match_info["id"], await read_message(request, RenewRequest)))

    async def complete(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Report a verdict."""
        asked = await read_message(request, CompleteRequest)
        return message(await self._queue.complete(request.match_info["id"], asked, caller.actor))

    async def fail(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Give a task back."""
        asked = await read_message(request, FailRequest)
        return message(await self._queue.fail(request.match_info["id"], asked, caller.actor))

    async def requeue(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Let a dead or cancelled task be tried again."""
        return message(await self._queue.requeue(request.match_info["id"], caller.actor))

    async def cancel(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """End a task without a verdict."""
        asked = await read_message(request, CancelRequest)
        return message(await self._queue.cancel(request.match_info["id"], asked, caller.actor))


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
