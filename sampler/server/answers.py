"""Answers: messages as JSON and streams, for readers that keep up with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from sampler.limits import BODY_MIN_BYTES_PER_SECOND, BODY_STALL_SECONDS
from sampler.wire.codec import encode


def message(answer: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A message of the wire."""
    return web.Response(status=status, body=encode(answer), content_type="application/json", headers=headers)


@web.middleware
async def delivered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A middleware that sends the whole answer, or cuts off a reader that takes it too slowly.

    Left to aiohttp, an answer that nobody reads would hold its connection and its bytes for ever.
    """
    response = await handler(request)
    try:
        async with asyncio.timeout(BODY_STALL_SECONDS + _size(response) / BODY_MIN_BYTES_PER_SECOND):
            await response.prepare(request)
            await response.write_eof()
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response


def _size(response: web.StreamResponse) -> int:
    """Of what is still to be sent: a stream has sent all but its end."""
    body = response.body if isinstance(response, web.Response) else None
    return len(body) if isinstance(body, bytes) else 0


async def write(response: web.StreamResponse, data: bytes) -> None:
    """Write to a stream.

    Raises:
        ConnectionResetError: the reader is gone, or took nothing for too long.
    """
    try:
        async with asyncio.timeout(BODY_STALL_SECONDS):
            await response.write(data)
    except TimeoutError as error:
        raise ConnectionResetError("the reader took nothing for too long") from error
