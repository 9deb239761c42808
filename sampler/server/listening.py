"""Taking the places to listen at, and connections up to a ceiling."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Final, TypeAlias

from aiohttp import web

from sampler.errors import SettingsError
from sampler.limits import CONNECTIONS_MAX_COUNT, IDLE_CONNECTION_SECONDS
from sampler.server.settings import split_address

Place: TypeAlias = tuple[str, int]

_HANDSHAKE_SECONDS: Final = 15.0
_SHUTDOWN_SECONDS: Final = 5.0
_LINGER_SECONDS: Final = 5.0
"""How long the rest of a refused body is read and dropped, so that its sender gets to see the answer."""


@contextlib.contextmanager
def bound(address: str) -> Iterator[socket.socket]:
    """A socket at ``HOST:PORT``; it does not answer yet.

    Raises:
        SettingsError: it cannot be had.
    """
    host, port = split_address(address)
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        taken = socket.create_server(where[:2], family=family)
    except OSError as error:
        raise SettingsError(f"cannot listen at {address}: {error}; choose another place") from error
    with taken:
        yield taken


def place_of(taken: socket.socket) -> Place:
    """Host and port of a socket."""
    host, port = taken.getsockname()[:2]
    return host, port


@contextlib.asynccontextmanager
async def answering(taken: socket.socket, app: web.Application, tls: ssl.SSLContext) -> AsyncIterator[None]:
    """Answer at a socket; on leaving, requests under way have ``_SHUTDOWN_SECONDS`` to end."""
    runner = web.AppRunner(
        app,
        auto_decompress=False,
        access_log=None,
        lingering_time=_LINGER_SECONDS,
        keepalive_timeout=IDLE_CONNECTION_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    server = await asyncio.get_running_loop().create_server(
        lambda: _protocol(runner), sock=taken, ssl=tls, ssl_handshake_timeout=_HANDSHAKE_SECONDS
    )
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()


def _protocol(runner: web.AppRunner) -> asyncio.Protocol:
    server = runner.server
    assert server is not None  # it was set up
    return _Closed() if len(server.connections) >= CONNECTIONS_MAX_COUNT else server()


class _Closed(asyncio.Protocol):
    """What a connection over the ceiling gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once."""
        transport.close()
