"""Contents by tus 1.0.0."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from sampler.limits import CREATE_WITH_UPLOAD_MAX_BYTES
from sampler.queue import Body, Checksum, Queue, Upload
from sampler.server import tus
from sampler.server.auth import Caller
from sampler.server.bodies import check_type, chunks
from sampler.server.coded_bodies import CODING, CodedBodies, is_coded
from sampler.server.problems import Refused
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.routes import Route


class Uploads:
    """Answers to tus clients. What is refused before the body is read closes the connection."""

    def __init__(self, queue: Queue, *, max_bytes: int) -> None:
        self._queue = queue
        self._max_bytes = max_bytes
        self._coded = CodedBodies()

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            **_by_method({"OPTIONS": self.options, "POST": self.create}, routes.TUS_OPTIONS, routes.TUS_CREATE),
            **_by_method(
                {"HEAD": self.head, "PATCH": self.patch, "DELETE": self.delete},
                routes.TUS_HEAD,
                routes.TUS_PATCH,
                routes.TUS_POST,
                routes.TUS_DELETE,
            ),
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
            check_type(request, tus.BODY_TYPE, codings=(CODING,))
        if with_body and 0 < asked.size <= CREATE_WITH_UPLOAD_MAX_BYTES:
            upload = await self._bring(request, caller.host, asked, checksum)
        else:
            upload = await self._queue.create_upload(
                caller.host, asked.submission, asked.sha256, asked.size, metadata=asked.metadata
            )
            if with_body and not upload.finished:
                upload = await self._queue.append(caller.host, upload.id, 0, self._body(request), checksum=checksum)
        headers = {"Location": routes.TUS_HEAD.at(upload=upload.id), **tus.upload_headers(upload)}
        return web.Response(status=201, headers=headers)

    async def _bring(self, request: web.Request, device: str, asked: tus.Creation, checksum: Checksum | None) -> Upload:
        """A small content is read before its upload is made: in most cases it is all there is to come."""
        data = b"".join([piece async for piece in self._body(request)(asked.size)])
        upload = self._queue.asked_upload(device, asked.submission, asked.sha256, asked.size, metadata=asked.metadata)
        return await self._queue.bring(upload, data, checksum=checksum)

    async def head(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The offset to go on from."""
        tus.check_version(request.headers)
        upload = await self._queue.head(caller.host, request.match_info["upload"])
        return web.Response(headers=tus.head_headers(upload))

    async def patch(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Bytes at an offset."""
        tus.check_version(request.headers)
        check_type(request, tus.BODY_TYPE, codings=(CODING,))
        offset = tus.number(request.headers, "Upload-Offset")
        checksum = tus.checksum(request.headers)
        upload_id = request.match_info["upload"]
        upload = await self._queue.append(caller.host, upload_id, offset, self._body(request), checksum=checksum)
        return web.Response(status=204, headers=tus.upload_headers(upload))

    async def delete(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """End an upload."""
        tus.check_version(request.headers)
        await self._queue.discard(caller.host, request.match_info["upload"])
        return web.Response(status=204)

    def _body(self, request: web.Request) -> Body:
        """What arrives, decoded: offset, length and checksum are those of the content, however its bytes travel."""
        return partial(self._coded.chunks if is_coded(request) else chunks, request)


def _by_method(answers: Mapping[str, Answer], *answered: Route) -> dict[Route, Answer]:
    """Routes of one resource, all of which answer by the method that the request is to be taken for."""

    async def answer(request: web.Request, caller: Caller) -> web.StreamResponse:
        method = tus.method(request)
        if method not in answers:
            raise Refused(405, "tus-method", f"{method[:16]!r} cannot be done with it", {"Allow": ", ".join(answers)})
        return await answers[method](request, caller)

    return dict.fromkeys(answered, answer)
