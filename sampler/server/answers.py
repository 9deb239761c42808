"""Answers: messages as JSON, and streams whose readers keep up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from aiohttp import web

from sampler.limits import BODY_STALL_SECONDS
from sampler.wire.codec import encode


def message(answer: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A message of the wire."""
    return web.Response(status=status, body=encode(answer), content_type="application/json", headers=headers)


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
