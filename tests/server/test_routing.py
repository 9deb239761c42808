from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sampler.identity import SigningKey
from sampler.queue import Queue, QueuePolicy
from sampler.runtime.clock import SystemClock
from sampler.server.applications import Applications
from sampler.server.enrolment import Issuing
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire import openapi
from sampler.wire.routes import ROUTES, VARIABLES, Door, Role, Route

Call = Callable[..., Awaitable[Any]]
UUID = "a1111111-1111-4111-8111-111111111111"
GOOD = {"id": UUID, "upload": UUID, "sha256": "a" * 64}
TRICKS = (
    "..",
    "%2e%2e",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "{good}%00",
    "%00",
    "{good}%0a",
    "{good}%2f..",
    "{upper}",
    "{good}x",
    "",
)
WITH_VARIABLES = [route for route in ROUTES if "{" in route.path]


def _tricked(route: Route, trick: str) -> str:
    name = re.findall(r"{(\w+)}", route.path)[0]
    good = GOOD[name]
    return route.path.replace(f"{{{name}}}", trick.format(good=good, upper=good.upper()))


@pytest.mark.parametrize("route", WITH_VARIABLES, ids=lambda route: route.name)
async def test_a_path_in_a_variable_is_no_route(route: Route, host: Call, person: Callable[[Role], Call]) -> None:
    """Whatever is not exactly an identifier or a hash matches nothing, on the doors where the route is."""
    callers = ([host] if route.door is not Door.PEOPLE else []) + (
        [person(Role.ADMIN)] if route.door is not Door.HOSTS else []
    )
    for call in callers:
        for trick in TRICKS:
            reply = await call(route.method, _tricked(route, trick))
            assert reply.status == 404, trick
            if route.method != "HEAD":
                assert reply.problem == "no-route", trick


@pytest.mark.parametrize("route", WITH_VARIABLES, ids=lambda route: route.name)
async def test_the_same_route_with_a_good_variable_is_one(
    route: Route, host: Call, person: Callable[[Role], Call]
) -> None:
    """The control of the test above: with a well-formed variable something other than the router answers."""
    call = host if route.door is not Door.PEOPLE else person(Role.ADMIN)
    path = route.path.format(**GOOD)
    reply = await call(route.method, path, headers={"Tus-Resumable": "1.0.0"})
    assert reply.status in (400, 404, 415) or reply.problem == "tus-method"
    if route.method != "HEAD":
        assert reply.problem not in ("", "no-route")


async def test_an_unknown_route_is_a_problem(host: Call, anybody: Call) -> None:
    """Both doors answer 404 as a problem document."""
    for call in (host, anybody):
        reply = await call("GET", "/v1/nothing")
        assert (reply.status, reply.content_type) == (404, "application/problem+json")
        assert reply.problem == "no-route"


async def test_a_wrong_method_is_a_problem(host: Call) -> None:
    """405 names the methods that there are."""
    reply = await host("DELETE", "/v1/submissions")
    assert (reply.status, reply.content_type) == (405, "application/problem+json")
    assert reply.headers["Allow"] == "GET,POST"


async def test_a_route_of_one_door_is_not_at_the_other(host: Call, person: Callable[[Role], Call]) -> None:
    """Hosts cannot lease, people cannot submit."""
    assert (await host("POST", "/v1/leases")).status == 404
    assert (await person(Role.ADMIN)("POST", "/v1/submissions")).status == 404


@pytest.mark.parametrize(
    "query", ["?what=1", "?after=1&after=2", "?after=-1", "?wait=nan", "?wait=31", "?after=" + "9" * 300]
)
async def test_a_query_that_is_not_understood_is_refused(host: Call, query: str) -> None:
    """Unknown, repeated and impossible parameters are told apart from none."""
    reply = await host("GET", "/v1/verdicts" + query)
    assert reply.status == 400
    assert b"query parameter" in reply.body


def _registered(app: web.Application) -> set[tuple[str, str]]:
    """Method and path template of every route, with the patterns of its variables taken out again."""
    found: set[tuple[str, str]] = set()
    for route in app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        found.add((route.method, path))
    return found


def test_the_document_is_what_the_server_answers(tmp_path: Path) -> None:
    """Both applications have exactly the routes of their door, and together those of the OpenAPI document."""
    key = SigningKey.create(tmp_path / "receipt.key")
    queue = Queue(MemoryQueueLedger(), None, SystemClock(), QueuePolicy(), signer=key)  # type: ignore[arg-type]  # nothing is stored
    issuing = Issuing(None, "", 1, key.public)  # type: ignore[arg-type]  # nor issued
    apps = Applications(queue, issuing, SystemClock(), object_max_bytes=1)
    hosts, people = _registered(apps.hosts), _registered(apps.people)
    assert hosts == {(route.method, route.path) for route in ROUTES if route.door is not Door.PEOPLE}
    assert people == {(route.method, route.path) for route in ROUTES if route.door is not Door.HOSTS}
    described = {(method.upper(), path) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert hosts | people == described
    assert set(VARIABLES) == set(GOOD)
