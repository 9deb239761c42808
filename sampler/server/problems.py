"""Every error as a problem document (RFC 9457), and the one broad ``except`` of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from sampler.errors import (
    Conflict,
    ContentMismatch,
    Destroyed,
    NotFound,
    QuotaReached,
    Recalled,
    RequestError,
    SamplerError,
    StorageError,
    StorageFull,
    TooLarge,
    TooMany,
)
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.wire.codec import DecodeError, encode
from sampler.wire.messages import Problem

log = structlog.get_logger()

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 30
CHECKSUM_MISMATCH: Final = 460
"""tus 1.0.0, checksum extension."""

_TITLES: Final = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "That is not allowed",
    404: "There is no such thing",
    405: "That cannot be done with it",
    408: "The body did not come in time",
    409: "It is in another state",
    410: "It is gone",
    412: "Another version of tus is needed",
    413: "Too large",
    415: "Another kind of content is needed",
    422: "The request cannot be carried out",
    429: "Too many at once",
    460: "The bytes have another checksum",
    500: "The server failed",
    503: "The server cannot store at the moment",
    507: "The disk is full",
}
_OURS: Final[Mapping[type[SamplerError], tuple[int, str]]] = {
    NotFound: (404, "not-found"),
    Conflict: (409, "conflict"),
    Recalled: (410, "recalled"),
    Destroyed: (410, "destroyed"),
    ContentMismatch: (CHECKSUM_MISMATCH, "content-mismatch"),
    QuotaReached: (429, "quota"),
    TooMany: (429, "too-many"),
    TooLarge: (413, "too-large"),
    StorageFull: (507, "storage-full"),
    StorageError: (503, "storage"),
    RequestError: (422, "unacceptable"),
}
_THEIRS: Final = {404: "no-route", 405: "method", 413: "too-large"}


class Refused(SamplerError):
    """The server says no before the queue is asked; ``code`` names why for machines."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem document; what nobody expected is logged with its traceback.

    Once an answer has begun there is room for no other one: its connection is cut, so that nobody takes what is there
    for the whole.
    """
    try:
        return await handler(request)
    except ConnectionError:  # its reader is gone, or may have no more of it
        problem = Refused(500, "internal", "the connection ended")
    except (SamplerError, DecodeError) as error:
        problem = error_of(error)
    except web.HTTPException as error:
        problem = _of_aiohttp(request, error)
    except Exception:
        log.exception("a request failed", method=request.method, path=request.path)
        problem = Refused(500, "internal", "the server's log has the reason")
    if request.writer.output_size and request.transport is not None:
        request.transport.abort()
    return _answer(request, problem)


def error_of(error: SamplerError | DecodeError) -> Refused:
    """What an error is on the wire."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, DecodeError):
        return _of_decoding(error)
    for kind, (status, code) in _OURS.items():
        if isinstance(error, kind):
            seconds = getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS)
            retry = {"Retry-After": str(seconds)} if status in (429, 503, 507) else {}
            return Refused(status, code, str(error), retry)
    log.error("an error that the wire has no word for", error=str(error), kind=type(error).__name__)
    return Refused(500, "internal", "the server's log has the reason")


def _of_decoding(error: DecodeError) -> Refused:
    """JSON that is not the message is understood but unacceptable; anything else was not understood."""
    if isinstance(error.__cause__, msgspec.ValidationError):
        return Refused(422, "not-the-message", str(error))
    return Refused(400, "not-json", str(error))


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> Refused:
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    detail = (
        f"{request.method} {request.path[:TEXT_MAX_CHARACTERS]!r}: {error.reason}; /openapi.json lists what there is"
    )
    return Refused(error.status, _THEIRS.get(error.status, "http"), detail, allow)


def problem_of(error: SamplerError | DecodeError) -> Problem:
    """An error as a document."""
    refused = error_of(error)
    title = _TITLES.get(refused.status, "It did not work")
    detail = str(refused)[:TEXT_MAX_CHARACTERS]
    return Problem(type=f"urn:sampler:problem:{refused.code}", title=title, status=refused.status, detail=detail)


def _answer(request: web.Request, refused: Refused) -> web.Response:
    problem = problem_of(refused)
    response = web.Response(
        status=refused.status,
        body=encode(problem),
        content_type=PROBLEM_TYPE,
        headers=refused.headers,
        reason=problem.title,
    )
    if request.body_exists and not request.content.is_eof():
        response.force_close()
    return response
