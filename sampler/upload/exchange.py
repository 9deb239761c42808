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

import aiohttp
from aiohttp.connector import AddrInfoType

from sampler.errors import DeliveryError, IdentityRefused, QueueFaulty, QueueUnreachable
from sampler.limits import (
    ANSWER_DEADLINE_SECONDS,
    ANSWER_MAX_BYTES,
    BODY_STALL_SECONDS,
    KIB,
    QUEUE_CONNECT_SECONDS,
)
from sampler.upload.answers import Answer

_PIECE_BYTES: Final = 64 * KIB
_KEEP_ALIVE_SECONDS: Final = 30.0
"""Below what the queue keeps an idle connection for, so that a request seldom meets one that is being closed."""

_UNSENT_MAX_BYTES: Final = 128 * KIB
"""What the kernel takes of a body beyond what is on its way, so that a piece it took has nearly left; otherwise the
last megabytes of a body would wait unseen, and an answer that is only late for them would look like a stall."""
_BROKEN_OFF: Final = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


@dataclass(slots=True)
class _Connecting:
    """Whether the request had to make a connection of its own."""

    fresh: bool = False


class Exchange:
    """HTTPS to one place, over kept connections; an async context manager."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        connect_seconds: float = QUEUE_CONNECT_SECONDS,
        stall_seconds: float = BODY_STALL_SECONDS,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
        connections: int = 8,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``check`` is asked before each request that does not take something back; what it raises comes through."""
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._stall_seconds = stall_seconds
        self._answer_max_bytes = answer_max_bytes
        self._connections = connections
        self._check = check
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
        body: bytes = b"",
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
            body: the request's body.
            patience_seconds: how long the queue may hold its answer back (a long poll), beyond the usual stall.
            on_piece: told how many bytes of ``body`` were handed to the connection, piece by piece.
            repeatable: sending it twice does no harm; it is, when a kept connection turns out to be closed.
            takes_back: it only takes something back from the queue: it is not checked, and keeps no connection open.

        Raises:
            QueueUnreachable, IdentityRefused: there was no answer.
            QueueFaulty: there was one, larger than ``answer_max_bytes``.
        """
        if self._check is not None and not takes_back:
            await self._check()
        closing = {"Connection": "close"} if takes_back else {}
        request = _Request(method, url, {**(headers or {}), **closing}, body, patience_seconds, on_piece)
        connecting = _Connecting()
        try:
            return await self._once(request, connecting)
        except aiohttp.ServerDisconnectedError as error:
            if not repeatable or connecting.fresh:
                raise _converted(error, request, connecting) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _converted(error, request, connecting) from error
        return await self.ask(
            method,
            url,
            headers=headers,
            body=body,
            patience_seconds=patience_seconds,
            on_piece=on_piece,
            takes_back=takes_back,
        )

    async def _once(self, request: _Request, connecting: _Connecting) -> Answer:
        assert self._session is not None  # ``async with`` comes first
        async with asyncio.timeout(self._connect_seconds + self._stall_seconds) as deadline:
            sending = _pieces(request, lambda: self._extend(deadline, request.patience_seconds))
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers | {"Content-Length": str(len(request.body))},
                data=sending if request.body else None,
                allow_redirects=False,
                trace_request_ctx=connecting,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
            ) as response:
                self._extend(deadline)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, await self._read(response, deadline))

    async def _read(self, response: aiohttp.ClientResponse, deadline: asyncio.Timeout) -> bytes:
        end = asyncio.get_running_loop().time() + ANSWER_DEADLINE_SECONDS
        body = bytearray()
        while chunk := await response.content.read(_PIECE_BYTES):
            body += chunk
            if len(body) > self._answer_max_bytes:
                response.close()
                raise QueueFaulty(f"{response.url}: an answer of more than {self._answer_max_bytes} bytes was not read")
            self._extend(deadline, latest=end)
        return bytes(body)

    def _extend(self, deadline: asyncio.Timeout, patience: float = 0.0, latest: float = float("inf")) -> None:
        now = asyncio.get_running_loop().time()
        deadline.reschedule(min(now + patience + self._stall_seconds, latest))


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    patience_seconds: float
    on_piece: Callable[[int], None] | None


async def _pieces(request: _Request, alive: Callable[[], None]) -> AsyncIterator[bytes]:
    """The body in pieces; each that the connection takes moves the deadline."""
    for start in range(0, len(request.body), _PIECE_BYTES):
        piece = request.body[start : start + _PIECE_BYTES]
        yield piece
        if request.on_piece is not None:
            request.on_piece(len(piece))
        alive()


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


def _converted(error: Exception, request: _Request, connecting: _Connecting) -> DeliveryError:
    what = f"{request.method} {request.url}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return IdentityRefused(
            f"{what}: the queue's certificate is not trusted: {error.certificate_error}; nothing was sent, check the "
            "CA file and the URL"
        )
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(error.__cause__, ssl.SSLError):
        return IdentityRefused(f"{what}: TLS failed: {error}; check this host's certificate, or enrol the host again")
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _BROKEN_OFF):
        return QueueUnreachable(
            f"{what}: the other end closed the connection during the TLS handshake; is that the port for hosts, and "
            "does it speak TLS 1.3?"
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return QueueUnreachable(f"{what}: no connection: {error}")
    if isinstance(error, TimeoutError):
        return QueueUnreachable(f"{what}: the queue did not go on in time")
    if isinstance(error, aiohttp.ClientConnectionError | OSError) and connecting.fresh and not request.on_piece:
        return QueueUnreachable(
            f"{what}: the queue closed the new connection without an answer ({error}); it may have refused this host's "
            "certificate: see the queue's log, and enrol the host again if its certificate expired or was revoked"
        )
    return QueueUnreachable(f"{what}: the connection broke: {str(error) or type(error).__name__}")
