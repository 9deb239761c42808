"""Who did what, for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from aiohttp import web

from sampler.limits import AUDIT_PAGE_MAX_COUNT
from sampler.queue import AuditQuestion, Queue
from sampler.server import queries
from sampler.server.answers import message
from sampler.server.auth import Caller
from sampler.server.problems import Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.audit_messages import Action
from sampler.wire.routes import Route


class Audit:
    """Answers from the audit log."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.AUDIT: self.audit}

    async def audit(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A page of entries; only who sees all tenants sees all of them, and so can follow the chain."""
        since, until = queries.days(request, "since", "until")
        asked = AuditQuestion(
            tenant=caller.scope,
            actor=request.query.get("actor"),
            action=_action(request),
            subject=request.query.get("subject"),
            since=None if since == date.min else _midnight(since),
            until=None if until == date.max else _midnight(until + timedelta(days=1)),
        )
        after = queries.whole_number(request, "after", 0) if "after" in request.query else -1
        limit = queries.whole_number(request, "limit", AUDIT_PAGE_MAX_COUNT, least=1, most=AUDIT_PAGE_MAX_COUNT)
        return message(await self._queue.audit(asked, after=after, limit=limit))


def _action(request: web.Request) -> Action | None:
    text = request.query.get("action")
    try:
        return None if text is None else Action(text)
    except ValueError as error:
        raise Refused(400, "query", "query parameter 'action' is not one of: " + ", ".join(Action)) from error


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
