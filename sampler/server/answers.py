"""Answers: messages as JSON, and contents as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import BinaryIO

import msgspec
from aiohttp import web

from sampler.limits import BODY_STALL_SECONDS, COPY_CHUNK_BYTES
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import encode


def message(answer: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A message of the wire."""
    return web.Response(status=status, body=encode(answer), content_type="application/json", headers=headers)


async def file_stream(
    request: web.Request, file: BinaryIO, *, size: int, name: str, end: asyncio.Event
) -> web.StreamResponse:
    """A file's bytes as a download; a reader that takes nothing for ``BODY_STALL_SECONDS`` is given up.

    Raises:
        ConnectionResetError: the reader is gone, or ``end`` was set: no further byte leaves, and the connection ends.
    """
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type = "application/octet-stream"
    response.content_length = size
    await response.prepare(request)
    while data := await off_loop(file.read, COPY_CHUNK_BYTES):
        if end.is_set():
            response.force_close()
            raise ConnectionResetError("the content was destroyed while it was read")
        await write(response, data)
    await response.write_eof()
    return response


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
