"""Reading bodies: never more than there is room for, never for longer than they are worth, never decompressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from sampler.limits import (
    BODY_MIN_BYTES_PER_SECOND,
    BODY_STALL_SECONDS,
    CONTROL_BODY_MAX_BYTES,
    COPY_CHUNK_BYTES,
)
from sampler.server.problems import Refused
from sampler.wire.codec import decode

M = TypeVar("M", bound=msgspec.Struct)

JSON_TYPE = "application/json"


async def read_message(request: web.Request, kind: type[M]) -> M:
    """A JSON body as a message.

    Raises:
        Refused: 415 of another type or compressed, 413 too long, 408 too slow, 400 broken off.
        DecodeError: it is not the message.
    """
    return decode(await read_json(request, CONTROL_BODY_MAX_BYTES), kind)


async def read_json(request: web.Request, max_bytes: int) -> bytes:
    """A JSON body's bytes.

    Raises:
        Refused: 415 of another type or compressed, 413 too long, 408 too slow, 400 broken off.
    """
    check_type(request, JSON_TYPE)
    return b"".join([data async for data in chunks(request, max_bytes)])


def check_type(request: web.Request, wanted: str, *, codings: Collection[str] = ()) -> None:
    """Whether the body is of this media type, and not compressed but in one of ``codings``.

    Raises:
        Refused: 415, with the codings that are taken (RFC 9110, section 12.5.3).
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", *codings):
        taken = ", ".join(codings) or "identity"
        detail = f"Content-Encoding {encoding[:64]!r} is not taken; send the bytes as they are"
        raise Refused(415, "content-encoding", detail, {"Accept-Encoding": taken})
    if request.content_type != wanted:
        raise Refused(415, "content-type", f"Content-Type {request.content_type[:128]!r} is not taken; send {wanted}")


async def chunks(request: web.Request, max_bytes: int) -> AsyncIterator[bytes]:
    """A body in pieces of ``COPY_CHUNK_BYTES``, the last one shorter.

    What arrived before a body broke off, stalled or grew too long is yielded before that is raised.

    Raises:
        Refused: 413 longer than ``max_bytes``, 408 too slow, 400 broken off.
    """
    if request.content_length is not None and request.content_length > max_bytes:
        raise _too_large(max_bytes)
    reader = _Reader(request)
    left = max_bytes
    while data := await reader.next():
        if len(data) > left:
            if left:
                yield data[:left]
            raise _too_large(max_bytes)
        left -= len(data)
        yield data
    reader.check_whole()


class _Reader:
    """Gathers what the network brings, in pieces of any size, into pieces worth writing."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._total = 0
        self._fault: Refused | None = None
        self._began = asyncio.get_running_loop().time()

    async def next(self) -> bytes:
        """The next piece; empty at the end of what there will be."""
        while self._fault is None and self._gathered < COPY_CHUNK_BYTES:
            data = await self._read()
            if not data:
                break
            self._pieces.append(data)
            self._gathered += len(data)
            self._total += len(data)
        return self._take()

    def check_whole(self) -> None:
        """Whether the end was the body's end."""
        if self._fault is not None:
            raise self._fault

    def _take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces, self._gathered = [], 0
        return data

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._patience_seconds()):
                return await self._request.content.readany()
        except TimeoutError as error:
            self._fault = Refused(408, "stalled", f"the body stopped after {self._total} bytes; go on from there")
            self._fault.__cause__ = error
        except (OSError, HttpProcessingError, web.RequestPayloadError) as error:
            self._fault = Refused(400, "broken-off", f"the body broke off after {self._total} bytes: {error}")
            self._fault.__cause__ = error
        return b""

    def _patience_seconds(self) -> float:
        """Until the next bytes have to come: not longer than a stall, and not longer than the slowest rate allows."""
        spent = asyncio.get_running_loop().time() - self._began
        earned = BODY_STALL_SECONDS + self._total / BODY_MIN_BYTES_PER_SECOND
        return min(BODY_STALL_SECONDS, max(0.0, earned - spent))


def _too_large(max_bytes: int) -> Refused:
    return Refused(413, "too-large", f"there is room for {max_bytes} bytes, and no more")
