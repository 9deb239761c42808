"""Contents by tus 1.0.0."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from sampler.limits import CREATE_WITH_UPLOAD_MAX_BYTES
from sampler.queue import Body, Queue, Upload
from sampler.server import tus
from sampler.server.auth import Caller
from sampler.server.bodies import check_type, chunks
from sampler.server.problems import Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.routes import Route


class Uploads:
    """Answers to tus clients. What is refused before the body is read closes the connection."""

    def __init__(self, queue: Queue, *, max_bytes: int) -> None:
        self._queue = queue
        self._max_bytes = max_bytes

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.TUS_OPTIONS: self.options,
            routes.TUS_CREATE: self.create,
            routes.TUS_HEAD: self.head,
            routes.TUS_PATCH: self.patch,
            routes.TUS_DELETE: self.delete,
        }

    async def options(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What this server does of tus."""
        return web.Response(status=204, headers=tus.options(self._max_bytes))

    async def create(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Begin an upload, with its first bytes when there is a body."""
        tus.check_version(request.headers)
        asked = tus.creation(request.headers, self._max_bytes)
        checksum = tus.checksum(request.headers)
        with_body = request.body_exists and request.content_length != 0
        if with_body:
            check_type(request, tus.BODY_TYPE)
            _check_first(request)
        upload = await self._queue.create_upload(caller.host, asked.submission, asked.sha256, asked.size)
        if with_body and not upload.finished:
            body = _body(request, most=CREATE_WITH_UPLOAD_MAX_BYTES)
            upload = await self._queue.append(caller.host, upload.id, 0, body, checksum=checksum)
        headers = {"Location": routes.TUS_HEAD.at(upload=upload.id), **tus.upload_headers(upload)}
        return web.Response(status=201, headers=headers)

    async def head(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The offset to go on from."""
        tus.check_version(request.headers)
        upload = await self._queue.head(caller.host, request.match_info["upload"])
        return web.Response(headers=_head_headers(upload))

    async def patch(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Bytes at an offset."""
        tus.check_version(request.headers)
        check_type(request, tus.BODY_TYPE)
        offset = tus.number(request.headers, "Upload-Offset")
        checksum = tus.checksum(request.headers)
        upload_id = request.match_info["upload"]
        upload = await self._queue.append(caller.host, upload_id, offset, _body(request), checksum=checksum)
        return web.Response(status=204, headers=tus.upload_headers(upload))

    async def delete(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """End an upload."""
        tus.check_version(request.headers)
        await self._queue.discard(caller.host, request.match_info["upload"])
        return web.Response(status=204)


def _head_headers(upload: Upload) -> dict[str, str]:
    return {"Upload-Length": str(upload.size), "Cache-Control": "no-store", **tus.upload_headers(upload)}


def _body(request: web.Request, most: int | None = None) -> Body:
    if most is None:
        return partial(chunks, request)
    return lambda room: chunks(request, min(room, most))


def _check_first(request: web.Request) -> None:
    """A body that is too long for a creating request leaves no upload behind."""
    if request.content_length is not None and request.content_length > CREATE_WITH_UPLOAD_MAX_BYTES:
        detail = f"a creating request takes {CREATE_WITH_UPLOAD_MAX_BYTES} bytes at most; send the rest by PATCH"
        raise Refused(413, "too-large", detail)
