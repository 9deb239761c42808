"""What the queue's answers mean: which error a status is, and a failed connection in words."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import aiohttp

from sampler.errors import Conflict, NotFound, QueueBusy, QueueRefused, QueueUnreachable, SamplerError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.wire.codec import DecodeError, decode
from sampler.wire.messages import Problem

_BUSY: Final = frozenset({429, 503, 507})
_RETRY_AFTER_MAX_SECONDS: Final = 3600.0
_ADVICE: Final = {401: "the token is wrong, expired or revoked; make one with: sampler queue tokens create"}


def error_of(status: int, body: bytes, retry_after: str | None, what: str) -> SamplerError:
    """The error that an unsuccessful answer stands for.

    Args:
        status: HTTP status.
        body: problem+json (RFC 9457), or whatever stood in its place.
        retry_after: the header's text (RFC 9110, section 10.2.3); only seconds are understood.
        what: the operation, for the message.
    """
    message = f"{what}: {_detail(status, body)}"
    if status == 404:
        return NotFound(message)
    if status == 409:
        return Conflict(message)
    if status in _BUSY:
        return QueueBusy(message, _seconds(retry_after))
    if status >= 500:
        return QueueUnreachable(f"{message}; the queue failed, its log says why")
    return QueueRefused(message, status)


def unreachable(error: Exception, url: str) -> QueueUnreachable:
    """A failed connection as ours, with the reason in words."""
    return QueueUnreachable(f"{url}: {_reason(error)}")


def _detail(status: int, body: bytes) -> str:
    try:
        problem = decode(body, Problem)
        said = problem.detail or problem.title
    except DecodeError:
        said = ""
    shown = "".join(character if character.isprintable() else " " for character in said)[:TEXT_MAX_CHARACTERS]
    return "; ".join(part for part in (shown, _ADVICE.get(status, "")) if part) or f"the queue answered {status}"


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()) or len(retry_after) > 9:
        return None
    return min(float(retry_after), _RETRY_AFTER_MAX_SECONDS)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not accepted: {_certificate_fault(error)}; check the url's name and the ca file"
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return f"the TLS handshake failed: {error}; is this the queue's people listener?"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved; check the url"
        case aiohttp.ClientConnectorError():
            return f"nobody answers: {error.os_error.strerror or error.os_error}; is the queue running?"
        case aiohttp.InvalidURL():
            return "not a url"
        case TimeoutError() | asyncio.TimeoutError():
            return "no answer in time"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            return "the connection broke off in the middle of an answer"
    return f"the exchange failed: {str(error) or type(error).__name__}"


def _certificate_fault(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
