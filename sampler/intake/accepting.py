"""The accept loop: from the listening socket to connections of the HTTP server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog

from sampler.intake.connections import Connection, HandOver, receive_first
from sampler.intake.crowd import Crowd
from sampler.intake.peer import peer_of
from sampler.model import Peer
from sampler.runtime.clock import Clock
from sampler.runtime.tasks import TaskKeeper

log = structlog.get_logger()

_PAUSE_SECONDS: Final = 0.5
_FULL: Final = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Acceptor:
    """Accepts connections, learns who they are, and hands them to HTTP protocols.

    Args:
        listener: bound, listening, not blocking; it stays the caller's.
        make_protocol: a new HTTP protocol for a connection.
        first_bytes_seconds: a connection that says nothing for this long is closed.
        max_connections: more than these are sent away at once.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        *,
        clock: Clock,
        first_bytes_seconds: float,
        max_connections: int,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._clock = clock
        self._first_bytes_seconds = first_bytes_seconds
        self._crowd = Crowd(max_connections)
        self._connections: dict[object, Connection] = {}
        self._keeper = TaskKeeper("intake")

    def start(self) -> None:
        """Begin to accept."""
        self._accepting = self._keeper.start("accept", self._accept())

    async def stop(self) -> None:
        """Accept no more; connections that are open go on."""
        self._accepting.cancel()
        await asyncio.wait([self._accepting])

    async def close(self) -> None:
        """End every connection, and close what they hold."""
        await self._keeper.close()

    def connection_of(self, protocol: object) -> Connection | None:
        """The connection that an HTTP protocol serves, or ``None`` when it has ended already."""
        return self._connections.get(protocol)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except OSError as error:  # out of descriptors, or the peer has gone already: the others still count on us
                log.warning("cannot accept a local connection", error=str(error))
                await self._clock.sleep(_PAUSE_SECONDS)
                continue
            self._keeper.start("connection", self._serve(accepted))

    async def _serve(self, accepted: socket.socket) -> None:
        """Everything about one connection, to its end."""
        try:
            peer = peer_of(accepted)
            with self._crowd.entered(peer) as admitted:
                if admitted:
                    await self._hand_over(accepted, peer)
                else:
                    accepted.send(_FULL)
        except OSError as error:  # TimeoutError is one
            log.info("a local connection ended before it asked for anything", error=str(error))
        finally:
            accepted.close()

    async def _hand_over(self, accepted: socket.socket, peer: Peer) -> None:
        async with asyncio.timeout(self._first_bytes_seconds):
            first, descriptor = await receive_first(accepted)
        connection = Connection(peer, descriptor)
        try:
            if first:
                await self._serve_http(accepted, first, connection)
        finally:
            connection.close()

    async def _serve_http(self, accepted: socket.socket, first: bytes, connection: Connection) -> None:
        protocol, ended = self._make_protocol(), asyncio.Event()
        self._connections[protocol] = connection
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: HandOver(protocol, first, ended.set), accepted
            )
            try:
                await ended.wait()
            finally:
                transport.abort()
        finally:
            del self._connections[protocol]
