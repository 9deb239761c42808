"""Puts the routes of the wire on an application. No route of the server is written down anywhere else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import web

from sampler.server.auth import Caller, Gate
from sampler.server.problems import Refused
from sampler.wire.routes import ROUTES, VARIABLES, Door, Route

Answer: TypeAlias = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
"""What answers a route, once its caller is known."""

_VARIABLE: Final = re.compile(r"{(\w+)}")
_QUERY_VALUE_MAX_CHARACTERS: Final = 256


def add_routes(app: web.Application, door: Door, gate: Gate, answers: Mapping[Route, Answer]) -> None:
    """Register every route of this door, its variables held to their patterns, behind the gate.

    A variable is matched before it is decoded (but for unreserved characters, RFC 3986, section 6.2.2.2), so no ``%2f``
    and no ``%00`` gets through.
    """
    for route in ROUTES:
        if route.door in (door, Door.BOTH):
            resource = app.router.add_resource(_held(route.path), name=None)
            resource.add_route(route.method, _guarded(route, gate, answers[route]))


def route_of(request: web.Request) -> str:
    """The name of the route that answers a request; empty when there is none."""
    return getattr(request.match_info.handler, "route_name", "")


def _held(path: str) -> str:
    return _VARIABLE.sub(lambda found: f"{{{found[1]}:{VARIABLES[found[1]]}}}", path)


def _guarded(route: Route, gate: Gate, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        caller = await gate.admit(request, route)
        _check_query(request, route)
        return await answer(request, caller)

    handler.route_name = route.name  # type: ignore[attr-defined]  # functions take attributes
    return handler


def _check_query(request: web.Request, route: Route) -> None:
    for name in request.query:
        if name not in route.query:
            known = ", ".join(route.query) or "none"
            raise Refused(400, "query", f"unknown query parameter {name[:64]!r}; known here: {known}")
        if len(values := request.query.getall(name)) > 1 or len(values[0]) > _QUERY_VALUE_MAX_CHARACTERS:
            raise Refused(400, "query", f"query parameter {name!r} is there more than once, or too long")
