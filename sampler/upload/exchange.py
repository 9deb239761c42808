"""One request and its whole answer over HTTPS: bounded in bytes and in time, foreign errors made ours.

It follows no redirect, decodes no compression, keeps no cookie, and sends to nobody but whom TLS vouches for.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.connector import AddrInfoType

from sampler.errors import QueueFaulty, SamplerError
from sampler.limits import (
    ANSWER_DEADLINE_SECONDS,
    ANSWER_MAX_BYTES,
    BODY_STALL_SECONDS,
    KIB,
    QUEUE_CONNECT_SECONDS,
)
from sampler.upload.addresses import Addresses
from sampler.upload.answers import Answer
from sampler.upload.bodies import Cut, Streamed, whole
from sampler.upload.pace import Pace
from sampler.upload.proxies import proxy_for
from sampler.upload.unreachable import converted

_READ_BYTES: Final = 64 * KIB
_KEEP_ALIVE_SECONDS: Final = 30.0
"""Below what the queue keeps an idle connection for, so that a request seldom meets one that is being closed."""

_UNSENT_MAX_BYTES: Final = 128 * KIB
"""What the kernel takes of a body beyond what is on its way, so that a piece it took has nearly left; otherwise the
last megabytes of a body would wait unseen, and an answer that is only late for them would look like a stall."""


@dataclass(slots=True)
class _Course:
    """How a request goes."""

    fresh: bool = False
    """It had to make a connection of its own."""
    fault: SamplerError | None = None
    """What its body raised while it was made."""


class Exchange:
    """HTTPS to one queue, over kept connections; an async context manager."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        connect_seconds: float = QUEUE_CONNECT_SECONDS,
        stall_seconds: float = BODY_STALL_SECONDS,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
        connections: int = 8,
        check: Callable[[], Awaitable[None]] | None = None,
        addresses: Addresses | None = None,
        pace: Pace | None = None,
        proxy: str = "",
    ) -> None:
        """Nothing is connected yet.

        Args:
            tls: whom to trust, and who this host is.
            connect_seconds: TCP and TLS.
            stall_seconds: how long nothing may move.
            answer_max_bytes: of one answer.
            connections: at once.
            check: asked before each request that does not take something back; what it raises comes through.
            addresses: told where there was no answer.
            pace: how fast bodies leave.
            proxy: see ``proxies.proxy_for``.
        """
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._stall_seconds = stall_seconds
        self._answer_max_bytes = answer_max_bytes
        self._connections = connections
        self._check = check
        self._addresses = addresses
        self._pace = pace or Pace()
        self._proxy = proxy
        self._proxies: dict[str, str | None] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = self._new_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def hang_up(self) -> None:
        """Close all connections, whatever is under way on them; the next request makes a new one."""
        session, self._session = self._session, self._new_session()
        if session is not None:
            await session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            limit=self._connections,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            socket_factory=_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[_tracing()],
        )

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Streamed = b"",
        patience_seconds: float = 0.0,
        on_piece: Callable[[int], None] | None = None,
        repeatable: bool = False,
        takes_back: bool = False,
    ) -> Answer:
        """Send a request and read its whole answer, whatever its status.

        Args:
            method: HTTP method.
            url: absolute.
            headers: further ones.
            body: the request's body; one that is streamed is not sent twice.
            patience_seconds: how long the queue may hold its answer back (a long poll), beyond the usual stall.
            on_piece: told how many bytes of ``body`` were handed to the connection, piece by piece.
            repeatable: sending it twice does no harm; it is, when a kept connection turns out to be closed.
            takes_back: it only takes something back from the queue: it is not checked, and keeps no connection open.

        Raises:
            QueueUnreachable, IdentityRefused: there was no answer.
            QueueFaulty: there was one, larger than ``answer_max_bytes``.
            SettingsError: the proxy's URL cannot be used.
        """
        if self._check is not None and not takes_back:
            await self._check()
        closing = {"Connection": "close"} if takes_back else {}
        streamed = body if isinstance(body, Streamed) else whole(body)
        request = _Request(method, url, {**(headers or {}), **closing}, streamed, patience_seconds, on_piece)
        course = _Course()
        try:
            return await self._once(request, course)
        except aiohttp.ServerDisconnectedError as error:
            if not repeatable or course.fresh:
                raise self._failed(error, request, course) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._failed(error, request, course) from error
        return await self.ask(
            method,
            url,
            headers=headers,
            body=body,
            patience_seconds=patience_seconds,
            on_piece=on_piece,
            takes_back=takes_back,
        )

    def _failed(self, error: Exception, request: _Request, course: _Course) -> SamplerError:
        if course.fault is not None:
            return course.fault
        if self._addresses is not None:
            self._addresses.failed(request.url, asyncio.get_running_loop().time())
        return converted(error, f"{request.method} {request.url}", fresh=course.fresh and not request.on_piece)

    async def _once(self, request: _Request, course: _Course) -> Answer:
        assert self._session is not None  # ``async with`` comes first
        async with asyncio.timeout(self._connect_seconds + self._stall_seconds) as deadline:
            sending = self._pieces(request, course, deadline)
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers | {"Content-Length": str(request.body.length)},
                data=sending if request.body.length else None,
                proxy=self._proxy_of(request.url),
                allow_redirects=False,
                trace_request_ctx=course,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
            ) as response:
                self._extend(deadline)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, await self._read(response, deadline))

    async def _read(self, response: aiohttp.ClientResponse, deadline: asyncio.Timeout) -> bytes:
        end = asyncio.get_running_loop().time() + ANSWER_DEADLINE_SECONDS
        body = bytearray()
        while chunk := await response.content.read(_READ_BYTES):
            body += chunk
            if len(body) > self._answer_max_bytes:
                response.close()
                raise QueueFaulty(f"{response.url}: an answer of more than {self._answer_max_bytes} bytes was not read")
            self._extend(deadline, latest=end)
        return bytes(body)

    async def _pieces(self, request: _Request, course: _Course, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        """The body in pieces; each that the connection takes moves the deadline, and waits until the pace lets it."""
        time = asyncio.get_running_loop().time
        cut = Cut(request.body, time())
        try:
            async for piece in cut.pieces():
                rest = self._pace.wait_seconds(len(piece), time())
                if rest:
                    self._extend(deadline, rest)
                    await asyncio.sleep(rest)
                yield piece
                if request.on_piece is not None:
                    request.on_piece(len(piece))
                self._extend(deadline, request.patience_seconds)
                cut.taken(len(piece), time())
        except SamplerError as error:
            course.fault = error
            raise

    def _proxy_of(self, url: str) -> str | None:
        """The environment is looked at once for each place."""
        place = urlsplit(url).netloc
        if place not in self._proxies:
            self._proxies[place] = proxy_for(url, self._proxy)
        return self._proxies[place]

    def _extend(self, deadline: asyncio.Timeout, patience: float = 0.0, latest: float = float("inf")) -> None:
        now = asyncio.get_running_loop().time()
        deadline.reschedule(min(now + patience + self._stall_seconds, latest))


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: Streamed
    patience_seconds: float
    on_piece: Callable[[int], None] | None


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_MAX_BYTES)
    return made


def _tracing() -> aiohttp.TraceConfig:
    async def connecting(
        _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceConnectionCreateStartParams
    ) -> None:
        context.trace_request_ctx.fresh = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_start.append(connecting)
    return tracing
