"""The agent's HTTP server on a Unix socket: routes, limits, and what each outcome is answered with."""

from __future__ import annotations

import socket as sockets
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from sampler.errors import NotYours, RequestError, SandboxError, SpoolFull
from sampler.intake.accepting import Acceptor
from sampler.intake.bodies import Patience, read_small, receive_object
from sampler.intake.captures import read_capture
from sampler.intake.connections import Connection
from sampler.intake.crowd import Crowd
from sampler.intake.ports import LocalHandler
from sampler.intake.problems import Rejected, bad_value, problem_response
from sampler.intake.rates import Rates
from sampler.intake.requests import Flag, decode_request, read_flag, read_listing
from sampler.intake.socket_file import SocketFile
from sampler.limits import (
    BODY_STALL_SECONDS,
    CONNECTIONS_PER_REQUEST,
    FLAG_REQUEST_MAX_BYTES,
    LINGER_SECONDS,
    OBJECT_MAX_BYTES,
    PEER_REQUESTS_BURST,
    PEER_REQUESTS_PER_SECOND,
    SHUTDOWN_SECONDS,
    SNAPSHOT_DEADLINE_SECONDS,
)
from sampler.model import Candidate, DescriptorSource, Peer, Source
from sampler.runtime.clock import Clock
from sampler.wire import local_routes
from sampler.wire.codec import encode
from sampler.wire.pending_messages import PendingDecision
from sampler.wire.recall_messages import RecallWish
from sampler.wire.routes import UUID
from sampler.wire.spool_messages import SpoolChoice
from sampler.wire.verdict_messages import LookUpWish

log = structlog.get_logger()

_CONNECTION: Final = web.RequestKey("connection", Connection)
_BUSY_SECONDS: Final = 1.0
_SECOND_NS: Final = 1_000_000_000
_FULL_SECONDS: Final = 60.0
_SANDBOX_SECONDS: Final = 5.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer:
    """Serves local peers until it is closed.

    Args:
        socket: where the socket's file is made; its folder is made too.
        handler: the agent behind the door.
        clock: what time candidates are received at.
        spool_folder: where bodies above ``MEMORY_SNAPSHOT_MAX_BYTES`` become unnamed files.
        max_bytes: the longest body of an object.
        max_requests: requests under way at once; one user that is neither root nor the agent's own gets half of them.
        requests_per_second: of one user that is neither root nor the agent's own, in the long run.
        burst: how many of them at once.
        stall_seconds: a request or body that brings no byte for this long is given up.
        body_seconds: how long the whole of a body may take.
        new_id: makes the identifiers of objects whose peer gave none.
        monotonic_ns: a clock that is never set.
    """

    def __init__(
        self,
        socket: Path,
        handler: LocalHandler,
        *,
        clock: Clock,
        spool_folder: Path,
        max_bytes: int = OBJECT_MAX_BYTES,
        max_requests: int = 64,
        requests_per_second: float = PEER_REQUESTS_PER_SECOND,
        burst: int = PEER_REQUESTS_BURST,
        stall_seconds: float = BODY_STALL_SECONDS,
        body_seconds: float = SNAPSHOT_DEADLINE_SECONDS,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._file = SocketFile(socket)
        self._handler = handler
        self._clock = clock
        self._spool_folder = spool_folder
        self._max_bytes = max_bytes
        self._max_requests = max_requests
        self._patience = Patience(stall_seconds, body_seconds)
        self._new_id = new_id
        self._monotonic_ns = monotonic_ns
        self._crowd = Crowd(max_requests)
        self._rates = Rates(requests_per_second, burst)
        self._undo = AsyncExitStack()
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=stall_seconds,  # also from the connection's start to the end of its first head
            lingering_time=min(LINGER_SECONDS, stall_seconds),
            max_field_size=FLAG_REQUEST_MAX_BYTES,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )

    async def start(self) -> None:
        """Take the socket and begin to serve.

        Raises:
            SettingsError: the socket cannot be had; it says who has it, where that can be known.
        """
        async with AsyncExitStack() as undo:
            listener = self._file.listen()
            undo.callback(self._file.remove)
            undo.callback(listener.close)
            await self._runner.setup()
            self._acceptor = self._make_acceptor(listener)
            undo.push_async_callback(self._acceptor.close)
            undo.push_async_callback(self._runner.cleanup)
            undo.callback(listener.close)  # before requests end, so that nobody waits at a door that stays shut
            self._acceptor.start()
            undo.push_async_callback(self._acceptor.stop)
            self._undo = undo.pop_all()

    async def close(self) -> None:
        """Accept no more, let requests under way end for ``SHUTDOWN_SECONDS``, and take the socket's file away."""
        await self._undo.aclose()

    def _make_acceptor(self, listener: sockets.socket) -> Acceptor:
        server = self._runner.server
        assert server is not None  # setup() has made it
        return Acceptor(
            listener,
            server,
            clock=self._clock,
            first_bytes_seconds=self._patience.stall_seconds,
            max_connections=CONNECTIONS_PER_REQUEST * self._max_requests,
        )

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._answer_problems, self._admit])
        application.router.add_post(local_routes.FLAG, self._flag)
        application.router.add_post(local_routes.FLAG_BYTES, self._flag_bytes)
        application.router.add_post(local_routes.SCAN, self._scan)
        application.router.add_post(local_routes.SCAN_BYTES, self._scan_bytes)
        application.router.add_post(local_routes.PREVIEW, self._preview)
        application.router.add_post(local_routes.PREVIEW_BYTES, self._preview_bytes)
        application.router.add_post(local_routes.CAPTURE, self._capture)
        application.router.add_post(local_routes.CAPTURE_PREVIEW, self._preview_capture)
        application.router.add_get(local_routes.OBJECTS, self._objects)
        application.router.add_get(local_routes.OBJECT.replace("{id}", f"{{id:{UUID}}}"), self._show)
        application.router.add_get(local_routes.STATISTICS, self._statistics)
        application.router.add_post(local_routes.PENDING.replace("{id}", f"{{id:{UUID}}}"), self._decide_pending)
        application.router.add_post(local_routes.RECALL_OBJECT.replace("{id}", f"{{id:{UUID}}}"), self._recall)
        application.router.add_post(local_routes.LOOKUP, self._look_up)
        application.router.add_get(local_routes.SPOOL, self._spool_status)
        application.router.add_post(local_routes.SPOOL_RETRY, self._spool_retry)
        application.router.add_post(local_routes.SPOOL_PURGE, self._spool_purge)
        application.router.add_get(local_routes.STATUS, self._status)
        return application

    @web.middleware
    async def _answer_problems(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """The request's boundary: whatever happens inside becomes an answer."""
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - one request must not take down the others; the rest is logged below
            return problem_response(_rejected(error))

    @web.middleware
    async def _admit(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        connection = self._acceptor.connection_of(request.protocol)
        if connection is None:
            raise Rejected(HTTPStatus.BAD_REQUEST, "gone", "the connection has ended")
        request[_CONNECTION] = connection
        self._check_rate(connection.peer)
        with self._crowd.entered(connection.peer) as admitted:
            if not admitted:
                raise Rejected(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    "busy",
                    "too many requests are under way; ask again",
                    retry_after_seconds=_BUSY_SECONDS,
                )
            return await handler(request)

    def _check_rate(self, peer: Peer) -> None:
        if wait_ns := self._rates.wait_ns(peer, self._monotonic_ns()):
            raise Rejected(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too-often",
                f"user {peer.uid} asks too often; see intake.requests_per_second of the agent's settings",
                retry_after_seconds=wait_ns / _SECOND_NS,
            )

    async def _flag(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.flag(await self._named(request)))

    async def _flag_bytes(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.flag(await self._sent(request, local_routes.FLAG)))

    async def _scan(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.scan(await self._named(request)))

    async def _scan_bytes(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.scan(await self._sent(request, local_routes.SCAN)))

    async def _preview(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.preview(await self._named(request)))

    async def _preview_bytes(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.preview(await self._sent(request, local_routes.PREVIEW)))

    async def _capture(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.flag(await self._captured(request)))

    async def _preview_capture(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.preview(await self._captured(request)))

    async def _captured(self, request: web.Request) -> Candidate:
        """What a body asks to have captured."""
        body = await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience)
        peer = request[_CONNECTION].peer
        return read_capture(body, peer, event_id=self._new_id(), received=self._clock.now())

    async def _named(self, request: web.Request) -> Candidate:
        """What a body names by its path, or by the descriptor that came along."""
        connection = request[_CONNECTION]
        body = await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience)
        flag = read_flag(body, connection.peer)
        return self._candidate(
            flag, _descriptor_source(flag, connection) if flag.has_descriptor else flag.path_source()
        )

    async def _sent(self, request: web.Request, descriptor_route: str) -> Candidate:
        """What a body is, all of it."""
        header = request.headers.get(local_routes.FLAG_HEADER, "{}")
        flag = read_flag(header.encode("utf-8", "surrogateescape"), request[_CONNECTION].peer)
        if flag.has_descriptor:
            raise bad_value("$.descriptor", f"the body is the object; a descriptor goes to {descriptor_route}")
        descriptor = await receive_object(request, self._spool_folder, self._max_bytes, self._patience)
        return self._candidate(flag, DescriptorSource(descriptor, flag.path, is_file=False))

    def _candidate(self, flag: Flag, source: Source) -> Candidate:
        return flag.candidate(source, event_id=self._new_id(), received=self._clock.now())

    async def _show(self, request: web.Request) -> web.Response:
        event_id = request.match_info["id"]
        view = await self._handler.show(event_id, request[_CONNECTION].peer)
        if view is None:
            raise Rejected(HTTPStatus.NOT_FOUND, "not-found", f"there is no object {event_id} that you may see")
        return _message_response(view)

    async def _objects(self, request: web.Request) -> web.Response:
        listing = read_listing(request.query)
        page = await self._handler.objects(
            request[_CONNECTION].peer, state=listing.state, after=listing.after, limit=listing.limit
        )
        return _message_response(page)

    async def _statistics(self, request: web.Request) -> web.Response:
        del request
        return _message_response(await self._handler.statistics())

    async def _recall(self, request: web.Request) -> web.Response:
        event_id = request.match_info["id"]
        wish = decode_request(await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience), RecallWish)
        view = await self._handler.recall(event_id, request[_CONNECTION].peer, wish)
        if view is None:
            raise Rejected(HTTPStatus.NOT_FOUND, "not-found", f"there is no object {event_id}")
        return _message_response(view)

    async def _decide_pending(self, request: web.Request) -> web.Response:
        body = await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience)
        decision = decode_request(body, PendingDecision)
        event_id, peer = request.match_info["id"], request[_CONNECTION].peer
        return _message_response(await self._handler.decide_pending(event_id, peer, decision))

    async def _look_up(self, request: web.Request) -> web.Response:
        wish = decode_request(await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience), LookUpWish)
        return _message_response(await self._handler.look_up(wish))

    async def _spool_status(self, request: web.Request) -> web.Response:
        return _message_response(await self._handler.spool_status(request[_CONNECTION].peer))

    async def _spool_retry(self, request: web.Request) -> web.Response:
        return _message_response(
            await self._handler.spool_retry(request[_CONNECTION].peer, await self._chosen(request))
        )

    async def _spool_purge(self, request: web.Request) -> web.Response:
        return _message_response(
            await self._handler.spool_purge(request[_CONNECTION].peer, await self._chosen(request))
        )

    async def _chosen(self, request: web.Request) -> SpoolChoice:
        return decode_request(await read_small(request, FLAG_REQUEST_MAX_BYTES, self._patience), SpoolChoice)

    async def _status(self, request: web.Request) -> web.Response:
        del request
        return _message_response(await self._handler.status())


def _descriptor_source(flag: Flag, connection: Connection) -> DescriptorSource:
    descriptor = connection.give_descriptor()
    if descriptor is None:
        raise bad_value("$.descriptor", "no descriptor came with the connection's first bytes, or it was taken already")
    return DescriptorSource(descriptor, flag.path)


def _message_response(message: Struct) -> web.Response:
    return web.Response(body=encode(message), content_type="application/json")


def _rejected(error: Exception) -> Rejected:
    """What an exception is answered with; the ones that nobody foresaw are logged here, with their traceback."""
    match error:
        case Rejected():
            return error
        case web.HTTPException(status=status):
            return Rejected(status, "http", f"{error.reason}: see the routes of the local socket")
        case NotYours():
            return Rejected(HTTPStatus.FORBIDDEN, "not-yours", str(error))
        case RequestError():
            return Rejected(HTTPStatus.UNPROCESSABLE_ENTITY, "request", str(error))
        case SpoolFull():
            return Rejected(HTTPStatus.INSUFFICIENT_STORAGE, "full", str(error), retry_after_seconds=_FULL_SECONDS)
        case SandboxError():
            return Rejected(HTTPStatus.SERVICE_UNAVAILABLE, "sandbox", str(error), retry_after_seconds=_SANDBOX_SECONDS)
        case _:
            log.error("a local request failed", exc_info=error)
            return Rejected(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the agent failed; its log says why")
