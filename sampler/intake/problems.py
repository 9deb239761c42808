"""Refusals of the local socket, as problem documents (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

from aiohttp import web

from sampler.errors import SamplerError
from sampler.wire.codec import encode
from sampler.wire.messages import Problem

PROBLEM_TYPE: Final = "application/problem+json"


class Rejected(SamplerError):
    """A request that gets an error for an answer; ``str()`` is the problem's detail.

    ``closes`` says that the connection cannot be used further, because its body was not read to the end.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, retry_after_seconds: float | None = None, closes: bool = False
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.closes = closes


def bad_value(place: str, detail: str) -> Rejected:
    """422, with the place of the fault as a JSONPath."""
    return Rejected(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-value", f"{detail} - at `{place}`")


def problem_response(rejected: Rejected) -> web.Response:
    """The answer that a refusal is."""
    problem = Problem(
        type=f"urn:sampler:problem:{rejected.code}",
        title=HTTPStatus(rejected.status).phrase,
        status=rejected.status,
        detail=str(rejected),
    )
    response = web.Response(status=rejected.status, body=encode(problem), content_type=PROBLEM_TYPE)
    if rejected.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(math.ceil(rejected.retry_after_seconds))
    if rejected.closes:
        response.force_close()
    return response
