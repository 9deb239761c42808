"""Bodies of requests: small ones into memory, objects into anonymous memory or an unnamed file.

Every body has a ceiling in bytes, a longest silence and a deadline for the whole. Objects are written off the loop, in
large pieces.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from sampler.errors import SpoolFull
from sampler.intake.problems import Rejected
from sampler.limits import COPY_CHUNK_BYTES, MEMORY_SNAPSHOT_MAX_BYTES
from sampler.runtime.blocking import off_loop
from sampler.runtime.unnamed import unnamed_file

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a body may take."""

    stall_seconds: float
    """Between two pieces of it."""
    total_seconds: float


class BodyFile:
    """An object's bytes as they arrive: anonymous memory up to ``memory_max_bytes``, an unnamed file above.

    The descriptor stays valid while a write is under way on another thread, however the request ends.
    """

    def __init__(self, folder: Path, *, memory_max_bytes: int = MEMORY_SNAPSHOT_MAX_BYTES) -> None:
        self._folder = folder
        self._memory_max_bytes = memory_max_bytes
        self._lock = threading.Lock()
        self._size = 0
        self._in_memory = True
        self._descriptor: int | None = os.memfd_create("sampler-body", os.MFD_CLOEXEC)

    def write(self, data: bytes) -> None:
        """Append. Blocking.

        Raises:
            SpoolFull: there is no room for it.
            OSError: the disk does not take it.
        """
        with self._lock:
            if self._descriptor is None:
                return
            try:
                self._append(self._descriptor, data)
            except OSError as error:
                if error.errno in _FULL:
                    raise SpoolFull(
                        f"no room for the object's bytes: {error.strerror}; free space and retry"
                    ) from error
                raise

    def give_descriptor(self) -> int:
        """Hand the descriptor over; whoever calls closes it."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None  # nobody closes a body and then asks for it
        return descriptor

    def close(self) -> None:
        """Throw the bytes away, unless the descriptor was handed over; waits for a write that is under way."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _append(self, descriptor: int, data: bytes) -> None:
        if self._in_memory and self._size + len(data) > self._memory_max_bytes:
            descriptor = self._move_to_disk(descriptor)
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, self._size)
            view, self._size = view[written:], self._size + written

    def _move_to_disk(self, memory: int) -> int:
        disk = unnamed_file(self._folder)
        self._descriptor, self._in_memory = disk, False
        try:
            offset = 0
            while offset < self._size:
                offset += os.sendfile(disk, memory, offset, self._size - offset)
        finally:
            os.close(memory)
        return disk


async def read_small(request: web.Request, max_bytes: int, patience: Patience) -> bytes:
    """All of a body that is a message.

    Raises:
        Rejected: 413, it is longer than ``max_bytes``; 408, it does not come to its end in time.
    """
    return b"".join([piece async for piece in _pieces(request, max_bytes, patience)])


async def receive_object(request: web.Request, folder: Path, max_bytes: int, patience: Patience) -> int:
    """A body that is an object: a descriptor of all its bytes, which the caller closes.

    Raises:
        Rejected: as ``read_small``.
        SpoolFull: there is no room for it.
    """
    body = BodyFile(folder)
    try:
        async with aclosing(_blocks(request, max_bytes, patience)) as blocks:
            async for block in blocks:
                await off_loop(body.write, block)
        return body.give_descriptor()
    finally:
        body.close()


async def _blocks(request: web.Request, max_bytes: int, patience: Patience) -> AsyncGenerator[bytes, None]:
    """The pieces joined to blocks that are worth a thread's time."""
    block = bytearray()
    async with aclosing(_pieces(request, max_bytes, patience)) as pieces:
        async for piece in pieces:
            block += piece
            if len(block) >= COPY_CHUNK_BYTES:
                yield bytes(block)
                block.clear()
    yield bytes(block)


async def _pieces(request: web.Request, max_bytes: int, patience: Patience) -> AsyncGenerator[bytes, None]:
    if (request.content_length or 0) > max_bytes:
        raise _too_long(max_bytes)
    received = 0
    end = asyncio.get_running_loop().time() + patience.total_seconds
    while piece := await _next_piece(request, end, patience):
        received += len(piece)
        if received > max_bytes:
            raise _too_long(max_bytes)
        yield piece


async def _next_piece(request: web.Request, end: float, patience: Patience) -> bytes:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(min(end, loop.time() + patience.stall_seconds)):
            return await request.content.readany()
    except TimeoutError as error:
        raise Rejected(
            HTTPStatus.REQUEST_TIMEOUT, "body-stalled", "the body did not come to its end in time", closes=True
        ) from error
    except ConnectionError as error:
        raise Rejected(
            HTTPStatus.BAD_REQUEST, "gone", "the connection ended before the body did", closes=True
        ) from error
    except web.RequestPayloadError as error:
        raise Rejected(HTTPStatus.BAD_REQUEST, "bad-body", f"the body is damaged: {error}", closes=True) from error


def _too_long(max_bytes: int) -> Rejected:
    return Rejected(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-long", f"a body here has at most {max_bytes} bytes", closes=True
    )
