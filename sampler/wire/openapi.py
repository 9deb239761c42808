"""The wire as an OpenAPI 3.1 document, made from ``routes.ROUTES`` and the messages.

``python -m sampler.wire.openapi`` prints it; ``docs/openapi.json`` is its output.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from sampler.wire import routes
from sampler.wire.audit_messages import Action
from sampler.wire.messages import Problem
from sampler.wire.rollup_messages import Dimension
from sampler.wire.routes import ROUTES, VARIABLES, Door, Route

Json = dict[str, Any]

_VARIABLE: Final = re.compile(r"{(\w+)}")
_SCHEMA: Final = "#/components/schemas/{name}"

_BINARY_ANSWERS: Final = {
    routes.SUBMISSION_EVENTS: "text/event-stream",
    routes.TASK_EVENTS: "text/event-stream",
    routes.WORK_EVENTS: "text/event-stream",
    routes.CA: "application/pem-certificate-chain",
    routes.METRICS: "text/plain",
    routes.OPENAPI: "application/json",
}
_TUS_BODY: Final = "application/offset+octet-stream"
_NUMBER: Final[Json] = {"type": "integer", "minimum": 0}
_TEXT: Final[Json] = {"type": "string"}
_DAY: Final[Json] = {"type": "string", "format": "date"}
_HEADERS: Final[Mapping[str, tuple[Json, str]]] = {
    "Tus-Resumable": ({"const": "1.0.0"}, "The version of tus"),
    "Upload-Length": (_NUMBER, "Bytes of the whole content"),
    "Upload-Offset": (_NUMBER, "Bytes that are durable; in a PATCH, where its body begins"),
    "Upload-Metadata": (_TEXT, "`submission` and `sha256`, each with its value in Base64, separated by a comma"),
    "Upload-Checksum": (_TEXT, "`sha256` or `sha1`, and the body's digest in Base64; 460 when it is another"),
    "Upload-Expires": (_TEXT, "When the upload is thrown away unless it goes on"),
    "Location": (_TEXT, "Where the new thing is"),
    "Tus-Version": (_TEXT, "Versions of tus that the server speaks"),
    "Tus-Extension": (_TEXT, "Extensions of tus that the server speaks"),
    "Tus-Max-Size": (_NUMBER, "Bytes of the largest content"),
    "Tus-Checksum-Algorithm": (_TEXT, "Algorithms that Upload-Checksum may name"),
}
_SENT: Final[Mapping[Route, tuple[tuple[str, bool], ...]]] = {
    routes.TUS_CREATE: (
        ("Tus-Resumable", True),
        ("Upload-Length", True),
        ("Upload-Metadata", True),
        ("Upload-Checksum", False),
    ),
    routes.TUS_HEAD: (("Tus-Resumable", True),),
    routes.TUS_PATCH: (("Tus-Resumable", True), ("Upload-Offset", True), ("Upload-Checksum", False)),
    routes.TUS_DELETE: (("Tus-Resumable", True),),
}
_ANSWERED: Final[Mapping[Route, tuple[str, ...]]] = {
    routes.SUBMIT: ("Location",),
    routes.TUS_OPTIONS: ("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    routes.TUS_CREATE: ("Tus-Resumable", "Location", "Upload-Offset", "Upload-Expires"),
    routes.TUS_HEAD: ("Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires"),
    routes.TUS_PATCH: ("Tus-Resumable", "Upload-Offset", "Upload-Expires"),
    routes.TUS_DELETE: ("Tus-Resumable",),
}
_QUERY: Final[Mapping[str, tuple[Json, str]]] = {
    "after": (_TEXT, "Go on behind this: a cursor, or the `after` of the page before"),
    "wait": ({"type": "number", "minimum": 0}, "Seconds to wait when there is nothing yet"),
    "state": (_TEXT, "Only those in this state"),
    "limit": ({"type": "integer", "minimum": 1}, "At most so many"),
    "kinds": (_TEXT, "Of these kinds of analysis, separated by commas"),
    "submission": (_TEXT, "Only those about this submission"),
    "form": ({"type": "string", "enum": ["cart", "zip", "zipcrypto", "raw"]}, "How the content is wrapped"),
    "actor": (_TEXT, "Only what the holder of this token did"),
    "action": ({"type": "string", "enum": list(Action)}, "Only what was done in this way"),
    "subject": (_TEXT, "Only what was done to this"),
    "day": (_DAY, "A day (UTC)"),
    "since": (_DAY, "From this day (UTC) on"),
    "until": (_DAY, "Up to this day (UTC)"),
    "part": ({"type": "string", "enum": ["contents", "records"]}, "What of a submission is destroyed"),
    "at": ({"type": "string", "format": "date-time"}, "As if it were this moment"),
    "lifted": ({"type": "integer", "enum": [0, 1]}, "1: those that were lifted too"),
    "by": ({"type": "string", "enum": list(Dimension)}, "Only what is counted by this"),
    "piece": (_NUMBER, "Which piece, from 0"),
    "bits": (_NUMBER, "How many bits of a SHA-256 the prefix has"),
    "prefix": (_NUMBER, "The first bits of the SHA-256, as a number"),
    "first": (_NUMBER, "Receipts of the smaller log"),
    "second": (_NUMBER, "Receipts of the larger log"),
    "position": (_NUMBER, "Place of a receipt in the log, from 0"),
    "size": (_NUMBER, "Receipts of the log that the proof is about"),
}
_REASONS: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "The token is missing, unknown, used, revoked or outdated",
    403: "The role, or the device, may not do this",
    404: "There is no such thing, or none that the caller may see",
    405: "That cannot be done with it",
    409: "The thing is in another state than the request supposes",
    410: "It is gone",
    412: "Another version of tus is needed",
    413: "The body is larger than there is room for",
    415: "The body is of another kind",
    422: "The request cannot be carried out",
    429: "Too many at once; wait as Retry-After says",
    460: "The bytes have another checksum",
    503: "It cannot store at the moment; wait as Retry-After says",
    507: "The disk is full; wait as Retry-After says",
}


def document() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sampler queue",
            "version": "1",
            "summary": "Takes objects from hosts, gives work to analyzers, and brings verdicts back",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "host": {"type": "mutualTLS", "description": "The certificate that the host got when it enrolled"},
                "token": {"type": "http", "scheme": "bearer", "description": "A token of a role that the route lists"},
            },
        },
    }


@cache
def encoded() -> bytes:
    """The document as JSON with stable order, for a file and for ``/openapi.json``."""
    return (json.dumps(document(), indent=2, sort_keys=True) + "\n").encode()


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [door.value for door in (Door.HOSTS, Door.PEOPLE) if route.door in (door, Door.BOTH)],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
        "security": _security(route),
    }
    if (body := _request_body(route)) is not None:
        operation["requestBody"] = body
    return operation


def _responses(route: Route) -> Json:
    """Success, the errors that the route names, and what may happen to any request (its body stalls, it is refused)."""
    errors = {str(status): _error(_REASONS[status]) for status in route.errors}
    return {str(route.status): _success(route), **errors, "default": _error("Any other problem")}


def _security(route: Route) -> list[Json]:
    """Any one of them is enough; an empty list says that anybody may call it."""
    by_host: list[Json] = (
        [{"host": []}] if route.door is Door.HOSTS or (route.door is Door.BOTH and route.roles) else []
    )
    by_token: list[Json] = [{"token": [role.value for role in route.roles]}] if route.roles else []
    return by_host + by_token


def _path_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{VARIABLES[name]}$"}}
        for name in _VARIABLE.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "query", "required": False, "schema": _QUERY[name][0], "description": _QUERY[name][1]}
        for name in route.query
    ]


def _header_parameters(route: Route) -> list[Json]:
    return [
        {
            "name": name,
            "in": "header",
            "required": required,
            "schema": _HEADERS[name][0],
            "description": _HEADERS[name][1],
        }
        for name, required in _SENT.get(route, ())
    ]


def _request_body(route: Route) -> Json | None:
    if route.request is not None:
        return {"required": True, "content": {"application/json": {"schema": _ref(route.request)}}}
    if route.binary == "request":
        return {"required": route is routes.TUS_PATCH, "content": {_TUS_BODY: {}}}
    return None


def _success(route: Route) -> Json:
    answer: Json = {"description": "Done"}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": _ref(route.answer)}}
    elif route.binary == "answer":
        answer["content"] = {_BINARY_ANSWERS.get(route, "application/octet-stream"): {}}
    if headers := _ANSWERED.get(route):
        answer["headers"] = {name: {"schema": _HEADERS[name][0], "description": _HEADERS[name][1]} for name in headers}
    return answer


def _error(reason: str) -> Json:
    return {"description": reason, "content": {"application/problem+json": {"schema": _ref(Problem)}}}


def _ref(kind: type[msgspec.Struct]) -> Json:
    return {"$ref": _SCHEMA.format(name=kind.__name__)}


def _schemas() -> Json:
    kinds = {kind for route in ROUTES for kind in (route.request, route.answer) if kind is not None} | {Problem}
    _, components = msgspec.json.schema_components(sorted(kinds, key=lambda kind: kind.__name__), ref_template=_SCHEMA)
    return dict(components)


if __name__ == "__main__":
    sys.stdout.write(encoded().decode())
