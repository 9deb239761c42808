"""Streams for workers, as server-sent events (HTML Living Standard, section 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from sampler.limits import EVENTS_BEAT_SECONDS, EVENTS_MAX_SECONDS, STAGES_MAX_COUNT
from sampler.queue import Queue
from sampler.server.answers import write
from sampler.server.auth import Caller
from sampler.server.problems import Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.codec import encode
from sampler.wire.messages import KIND
from sampler.wire.routes import Route

_KINDS: Final = re.compile(f"{KIND}(,{KIND}){{0,{STAGES_MAX_COUNT - 1}}}", re.ASCII)


class TaskEvents:
    """Answers that go on until something ends, at most ``EVENTS_MAX_SECONDS``."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.TASK_EVENTS: self.task, routes.WORK_EVENTS: self.work}

    async def task(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A task's changes to its end."""
        task_id = request.match_info["id"]
        await self._queue.task(task_id)  # so that an unknown one is a 404
        return await _stream(request, "task", self._queue.watch_task(task_id, EVENTS_BEAT_SECONDS))

    async def work(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The kinds of analysis that tasks wait for."""
        kinds = frozenset(_kinds(request))
        return await _stream(request, "work", self._queue.watch_work(kinds, EVENTS_BEAT_SECONDS, tenant=caller.scope))


def _kinds(request: web.Request) -> list[str]:
    text = request.query.get("kinds")
    if text is None:
        return []
    if _KINDS.fullmatch(text) is None:
        raise Refused(400, "query", f"kinds is a list like static,sandbox, of at most {STAGES_MAX_COUNT}")
    return text.split(",")


async def _stream(request: web.Request, name: str, events: AsyncIterator[Struct | None]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = "text/event-stream"
    await response.prepare(request)
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        async with asyncio.timeout(EVENTS_MAX_SECONDS):
            async for event in events:
                await write(response, _text(name, event))
    return response


def _text(name: str, event: Struct | None) -> bytes:
    if event is None:
        return b": nothing new\n\n"
    return b"event: " + name.encode() + b"\ndata: " + encode(event) + b"\n\n"
