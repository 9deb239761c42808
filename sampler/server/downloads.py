"""Contents handed out: wrapped so that nobody runs them by accident, or as they are to who has the right to that.

The checks, in their order:

1. The caller's role may download (``wire.routes``), and the content is its tenant's (``queue.seeing``).
2. Bytes as they are need the right to them; everything else is wrapped.
3. The ledger holds the content; that the caller gets it is noted before the first byte leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import BinaryIO

from aiohttp import web

from sampler.limits import COPY_CHUNK_BYTES
from sampler.neutered import LEGACY_MAX_BYTES, Form, file_name, wrapped
from sampler.queue import Queue
from sampler.runtime.blocking import off_loop
from sampler.server.answers import write
from sampler.server.auth import Caller
from sampler.server.problems import RETRY_AFTER_SECONDS, Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.audit_messages import Action
from sampler.wire.routes import Route


class Downloads:
    """Answers with contents."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._slow = asyncio.Lock()
        """Held by the one download at a time that goes byte by byte through the interpreter."""

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {routes.CONTENT: self.content}

    async def content(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A content in the form that was asked for, CaRT where none was."""
        sha256 = request.match_info["sha256"]
        form = _form(request)
        _check_right(caller, form)  # 2
        destruction = self._queue.destruction(sha256)
        file = await self._queue.open_content(sha256)  # 3
        try:
            size = await off_loop(_size, file)
            _check_size(form, size)
            async with self._turn(form):
                await self._queue.note(caller.actor, Action.DOWNLOAD, sha256, form.value)
                response = _response(sha256, form, size)
                return await _sent(request, response, wrapped(_pieces(file), sha256, form), destruction)
        finally:
            await off_loop(file.close)

    def _turn(self, form: Form) -> AbstractAsyncContextManager[None]:
        """What is held while a content is sent.

        Raises:
            Refused: 429 somebody else has the slow form already.
        """
        if form is not Form.ZIPCRYPTO:
            return contextlib.nullcontext()
        if self._slow.locked():
            detail = "another content is being sent in this form, which is slow; come again, or use zip or cart"
            raise Refused(429, "busy", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        return self._slow


def _size(file: BinaryIO) -> int:
    """In bytes; a content in a bucket has no descriptor to ask."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _form(request: web.Request) -> Form:
    text = request.query.get("form", Form.CART)
    try:
        return Form(text)
    except ValueError as error:
        raise Refused(400, "query", "query parameter 'form' is not one of: " + ", ".join(Form)) from error


def _check_right(caller: Caller, form: Form) -> None:
    if form is Form.RAW and not (caller.token is not None and caller.token.may_have_raw):
        detail = "this token may not have bytes as they are; leave out form=raw, or have a token made with --raw"
        raise Refused(403, "raw", detail)


def _check_size(form: Form, size: int) -> None:
    if form is Form.ZIPCRYPTO and size > LEGACY_MAX_BYTES:
        detail = f"{size} bytes; form=zipcrypto takes at most {LEGACY_MAX_BYTES}: use zip or cart"
        raise Refused(413, "too-large", detail)


def _response(sha256: str, form: Form, size: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{file_name(sha256, form)}"'})
    response.content_type = form.media_type
    if form is Form.RAW:
        response.content_length = size
    return response


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(partial(file.read, COPY_CHUNK_BYTES), b"")


async def _sent(
    request: web.Request, response: web.StreamResponse, pieces: Iterator[bytes], end: asyncio.Event
) -> web.StreamResponse:
    """Send pieces; a reader that takes nothing for too long is given up.

    Raises:
        ConnectionResetError: the reader is gone, or ``end`` was set: no further byte leaves, and the connection ends.
    """
    await response.prepare(request)
    while (data := await off_loop(next, pieces, None)) is not None:
        if end.is_set():
            response.force_close()
            raise ConnectionResetError("the content was destroyed while it was read")
        if data:
            await write(response, data)
    return response
