"""Starting, stopping, and what is refused at once."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sampler.errors import IdentityError, SettingsError
from sampler.server import Listening, QueueSettings, listening, serve
from sampler.server.service import _hosts_url

Call = Callable[..., Awaitable[Any]]


async def test_one_process_serves_a_queue(where: Callable[[], Listening], settings: QueueSettings) -> None:
    """A second server over the same folder is refused while the first one runs."""
    assert where().hosts[1] > 0
    with pytest.raises(SettingsError, match="another process serves"):
        await serve(settings)


async def test_a_place_that_is_taken_is_named(settings: QueueSettings) -> None:
    """The error names the place and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"cannot listen at {place}"):
            await serve(msgspec.structs.replace(settings, people_listen=place))


async def test_what_was_never_initialized_is_not_served(tmp_path: Path, settings: QueueSettings) -> None:
    """A folder without a queue, and one whose key is gone, say what is missing."""
    with pytest.raises(SettingsError, match="sampler queue init"):
        await serve(msgspec.structs.replace(settings, state=str(tmp_path / "absent")))
    settings.key.unlink()
    with pytest.raises(IdentityError, match=r"server\.key"):
        await serve(settings)


async def test_stopping_does_not_wait_for_those_who_wait(host: Call, restart: Callable[[], Awaitable[None]]) -> None:
    """A long poll is answered when the server ends, and the server is there again soon."""
    waiting = asyncio.ensure_future(host("GET", "/v1/verdicts?wait=30"))
    assert (await host("GET", "/v1/verdicts")).status == 200
    async with asyncio.timeout(4):
        await restart()
        assert (await waiting).status == 200
    assert (await host("GET", "/v1/verdicts")).status == 200


async def test_connections_have_a_ceiling(
    where: Callable[[], Listening],
    host: Call,
    host_tls: tuple[str, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One connection too many is closed without an answer; those that are open go on."""
    assert (await host("GET", "/healthz")).status == 200
    monkeypatch.setattr(listening, "CONNECTIONS_MAX_COUNT", 0)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("localhost", where().hosts[1], ssl=host_tls[1])
        assert await reader.read() == b""
    writer.close()
    assert (await host("GET", "/healthz")).status == 200


def test_hosts_are_told_the_port_that_was_taken(settings: QueueSettings) -> None:
    """A URL with port 0 gets the real one, any other stays, and without one the listener's host is used."""
    where = Listening(("127.0.0.1", 4711), ("127.0.0.1", 4712))
    assert _hosts_url(settings, where) == "https://localhost:4711"
    fixed = msgspec.structs.replace(settings, hosts_url="https://queue.example")
    assert _hosts_url(fixed, where) == "https://queue.example"
    derived = msgspec.structs.replace(settings, hosts_url="", hosts_listen="[::1]:0")
    assert _hosts_url(derived, where) == "https://[::1]:4711"
