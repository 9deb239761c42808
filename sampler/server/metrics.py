"""Numbers for Prometheus (text exposition format 0.0.4). No name, hash or address of anybody is among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from sampler.model import TaskState
from sampler.queue import Queue
from sampler.server.auth import Caller
from sampler.server.routing import Answer, route_of
from sampler.wire import routes
from sampler.wire.routes import Route

_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts answers, and tells how many tasks there are and how much room."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._answers: Counter[tuple[str, int]] = Counter()

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.METRICS: self.metrics}

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A middleware that counts every answer by route and status."""
        response = await handler(request)
        self._answers[route_of(request), response.status] += 1
        return response

    async def metrics(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """All numbers."""
        tasks = await self._queue.task_counts()
        lines = [*self._answer_lines(), *_task_lines(tasks), *_room_lines(await self._queue.free_bytes())]
        return web.Response(body="\n".join([*lines, ""]).encode(), headers={"Content-Type": _FORMAT})

    def _answer_lines(self) -> Iterator[str]:
        yield "# HELP sampler_answers_total Answers by route and status."
        yield "# TYPE sampler_answers_total counter"
        for (route, status), count in sorted(self._answers.items()):
            yield f'sampler_answers_total{{route="{route}",status="{status}"}} {count}'


def _task_lines(tasks: Mapping[TaskState, int]) -> Iterator[str]:
    yield "# HELP sampler_tasks Tasks by state."
    yield "# TYPE sampler_tasks gauge"
    for state in TaskState:
        yield f'sampler_tasks{{state="{state}"}} {tasks.get(state, 0)}'


def _room_lines(free_bytes: int) -> Iterator[str]:
    yield "# HELP sampler_room_bytes Bytes that contents may still take before the reserve."
    yield "# TYPE sampler_room_bytes gauge"
    yield f"sampler_room_bytes {max(0, free_bytes)}"
