"""Requests made up from the interface's own document, right and wrong ones, at both doors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from sampler.wire.routes import ROUTES, TUS_CREATE, Door, Role

EXAMPLES: Final = 1
"""Of each operation and kind: a bound that holds the time, not a measure of what can go wrong."""
CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
MODES: Final = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.mark.parametrize("door", [Door.HOSTS, Door.PEOPLE])
def test_what_the_document_allows_and_what_it_does_not(door: Door, server: Any, attacker: Any) -> None:
    """No request makes the server fail, and every answer is one that the document knows, of the form that it says."""
    options: dict[str, Any] = {"verify": str(server.ca), "timeout": 30}
    if door is Door.HOSTS:
        options["cert"] = (str(attacker.folder / "certificate"), str(attacker.folder / "key"))
    else:
        options["headers"] = {"Authorization": f"Bearer {server.token(Role.ADMIN)}"}
    options["base_url"] = f"https://localhost:{server.hosts if door is Door.HOSTS else server.people}"
    for operation in _operations(server, door):
        for mode in MODES:
            _try(operation, mode, options)


def _operations(server: Any, door: Door) -> Iterator[Any]:
    document = json.loads(server.person("GET", "/openapi.json").body)
    wanted = {(route.method, route.path) for route in ROUTES if route.door in (door, Door.BOTH)}
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        is_tus = operation.path.startswith(TUS_CREATE.path)  # which has attacks of its own, and bodies that are no text
        if (operation.method.upper(), operation.path) in wanted and not is_tus:
            yield operation


def _try(operation: Any, mode: Any, options: dict[str, Any]) -> None:
    @seed(6)
    @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode))
    def ask(case: Any) -> None:
        case.validate_response(case.call(**options), checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # nothing about it can be wrong
        ask()
