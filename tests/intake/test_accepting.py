from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sampler.intake.accepting import Acceptor
from sampler.intake.connections import HandOver


class Echo(asyncio.Protocol):
    """Writes back what it receives, and remembers what happened to it."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.events.append(data.decode())
        self._transport.write(data)

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")


class RepairingClock:
    """Counts how often it is waited for, and repairs the listener meanwhile."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.waits = 0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1
        self._listener.listen()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Bound, and not listening yet."""
    with socket.socket(socket.AF_UNIX) as made:
        made.setblocking(False)
        made.bind(str(tmp_path / "s"))
        yield made


async def test_accepting_goes_on_after_an_error(listener: socket.socket) -> None:
    """An error of accept(2) is logged and waited for, and the next connection is served."""
    clock = RepairingClock(listener)
    acceptor = Acceptor(listener, Echo, clock=clock, first_bytes_seconds=30, max_connections=1)
    with capture_logs() as logs:
        acceptor.start()
        async with asyncio.timeout(30):
            while not clock.waits:
                await asyncio.sleep(0)
            reader, writer = await asyncio.open_unix_connection(listener.getsockname())
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
    writer.close()
    await acceptor.stop()
    await acceptor.close()
    assert [entry["error"] for entry in logs] == [f"[Errno {errno.EINVAL}] {os.strerror(errno.EINVAL)}"]


async def test_first_bytes_stay_first(listener: socket.socket) -> None:
    """What was received before the protocol existed comes right after its beginning and before all else."""
    listener.listen()
    loop, echo, ended = asyncio.get_running_loop(), Echo(), asyncio.Event()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listener.getsockname())
        client.send(b"second")
        accepted, _ = await loop.sock_accept(listener)
        await loop.connect_accepted_socket(lambda: HandOver(echo, b"first", ended.set), accepted)
        async with asyncio.timeout(30):
            while "second" not in echo.events:
                await asyncio.sleep(0)
        assert client.recv(100) == b"firstsecond"
    async with asyncio.timeout(30):
        await ended.wait()
    assert echo.events == ["made", "first", "second", "lost"]


async def test_a_slow_reader_pauses_the_protocol(listener: socket.socket) -> None:
    """A client that does not read makes the HTTP protocol pause, and go on when it reads again."""
    listener.listen()
    loop, echo, ended = asyncio.get_running_loop(), Echo(), asyncio.Event()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listener.getsockname())
        client.setblocking(False)
        accepted, _ = await loop.sock_accept(listener)
        first = b"x" * 4_000_000
        await loop.connect_accepted_socket(lambda: HandOver(echo, first, ended.set), accepted)
        assert "pause" in echo.events
        received = 0
        async with asyncio.timeout(30):
            while received < len(first):
                received += len(await loop.sock_recv(client, 1_000_000))
            while "resume" not in echo.events:
                await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ended.wait()
    assert echo.events[-1] == "lost"
