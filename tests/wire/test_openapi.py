from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sampler.wire import openapi
from sampler.wire.routes import ROUTES, VARIABLES, Door

DOCUMENT = openapi.document()
COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"

# What OpenAPI 3.1 (section 4.8) asks of every document, as far as ours uses it.
STRUCTURE: dict[str, Any] = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "components": {"type": "object", "required": ["schemas", "securitySchemes"]},
        "paths": {
            "type": "object",
            "patternProperties": {
                "^/": {
                    "type": "object",
                    "propertyNames": {"enum": ["get", "post", "patch", "head", "delete", "options"]},
                    "additionalProperties": {"$ref": "#/$defs/operation"},
                }
            },
            "additionalProperties": False,
        },
    },
    "$defs": {
        "operation": {
            "type": "object",
            "required": ["operationId", "summary", "responses", "security", "parameters"],
            "properties": {
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"type": "object", "required": ["content"]},
                "responses": {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": "^([2-5][0-9][0-9]|default)$"},
                    "additionalProperties": {"type": "object", "required": ["description"]},
                },
            },
        },
        "parameter": {
            "type": "object",
            "required": ["name", "in", "schema"],
            "properties": {"in": {"enum": ["path", "query", "header"]}},
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"properties": {"required": {"const": True}}, "required": ["required"]},
        },
    },
}


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, each) for path, methods in DOCUMENT["paths"].items() for method, each in methods.items()]


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def test_the_committed_document_is_current() -> None:
    """docs/openapi.json is what the code makes; refresh: python -m sampler.wire.openapi > docs/openapi.json."""
    assert COMMITTED.read_bytes() == openapi.encoded()


def test_running_the_module_prints_the_document() -> None:
    """``python -m sampler.wire.openapi`` writes the document to standard output and nothing else."""
    printed = subprocess.run([sys.executable, "-m", "sampler.wire.openapi"], check=True, capture_output=True)
    assert printed.stdout == openapi.encoded()
    assert printed.stderr == b""


def test_the_document_has_the_structure_of_openapi() -> None:
    """Paths, operations, parameters and responses are as OpenAPI 3.1 says."""
    jsonschema.Draft202012Validator.check_schema(STRUCTURE)
    jsonschema.Draft202012Validator(STRUCTURE).validate(DOCUMENT)


def test_every_schema_is_a_json_schema() -> None:
    """Each message's schema is valid JSON Schema 2020-12, which OpenAPI 3.1 uses."""
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    """No schema is named that is not in the document."""
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert _references(DOCUMENT) <= known


def test_every_route_is_an_operation() -> None:
    """Methods, paths and names are those of the routes, each name once."""
    described = {(method.upper(), path, each["operationId"]) for path, method, each in _operations()}
    assert described == {(route.method, route.path, route.name) for route in ROUTES}
    assert len({name for *_, name in described}) == len(ROUTES)


def test_every_variable_of_a_path_is_held_to_its_pattern() -> None:
    """A path's variables and its path parameters are the same, each with an anchored pattern."""
    for path, _, operation in _operations():
        described = {
            each["name"]: each["schema"]["pattern"] for each in operation["parameters"] if each["in"] == "path"
        }
        assert described == {name: f"^{VARIABLES[name]}$" for name in re.findall(r"{(\w+)}", path)}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_who_may_call_is_told(route: Any) -> None:
    """A route of the hosts' door needs a certificate, one with roles a token, any other one neither."""
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    schemes = {name for each in operation["security"] for name in each}
    assert ("host" in schemes) == (route.door is Door.HOSTS or (route.door is Door.BOTH and bool(route.roles)))
    assert ("token" in schemes) == bool(route.roles)


def test_the_words_of_tus_are_described() -> None:
    """Each tus operation names the headers that it takes and gives."""
    patch = DOCUMENT["paths"]["/v1/uploads/{upload}"]["patch"]
    taken = {each["name"]: each["required"] for each in patch["parameters"] if each["in"] == "header"}
    assert taken == {"Tus-Resumable": True, "Upload-Offset": True, "Upload-Checksum": False}
    assert "Upload-Offset" in patch["responses"]["204"]["headers"]
    assert "application/offset+octet-stream" in patch["requestBody"]["content"]


def test_encoding_is_stable() -> None:
    """The same routes make the same bytes, with keys in order."""
    assert openapi.encoded() == openapi.encoded()
    assert list(json.loads(openapi.encoded())) == sorted(DOCUMENT)
