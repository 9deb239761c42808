from __future__ import annotations

import ast
from pathlib import Path

import sampler
from sampler.agent.traffic import TRAFFIC
from sampler.wire import routes
from sampler.wire.routes import Door, Route

SOURCES = Path(sampler.__file__).parent
NAMED = [route for traffic in TRAFFIC for route in traffic.routes]
OF_ENROLMENT = {routes.ENROLL, routes.CA}


def used() -> set[Route]:
    """Every route of the queue that a host's code knows."""
    found = set[Route]()
    for folder in ("upload", "agent"):
        for path in (SOURCES / folder).glob("*.py"):
            if path.name != "traffic.py":
                for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                    if (
                        isinstance(node, ast.Attribute)
                        and isinstance(node.value, ast.Name)
                        and node.value.id == "routes"
                    ):
                        value = getattr(routes, node.attr, None)
                        found |= {value} if isinstance(value, Route) else set()
    return found


def test_the_owner_is_told_of_everything_that_an_agent_says() -> None:
    """No code of a host calls a route that ``sampler consent show`` does not name; refresh: add it to ``TRAFFIC``."""
    assert len(used()) > 10
    assert used() - set(NAMED) - OF_ENROLMENT == set()


def test_nothing_is_named_twice_or_goes_to_people() -> None:
    """Each route has one line, and is one that hosts may call."""
    assert len(NAMED) == len(set(NAMED))
    assert {route for route in NAMED if route.door is Door.PEOPLE} == set()


def test_only_taking_back_needs_no_consent() -> None:
    """What passes without a consent is what destroys something at the queue, and nothing else."""
    assert [each for each in TRAFFIC if not each.needs_consent] == [TRAFFIC[-1]]
    assert set(TRAFFIC[-1].routes) == {routes.RECALL, routes.TUS_DELETE}
