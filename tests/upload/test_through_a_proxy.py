"""Through a real proxy: proxy.py, a program of others, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampler.limits import CHUNK_MAX_BYTES
from sampler.model import ObjectState
from sampler.upload import Terms


@dataclass(frozen=True, slots=True)
class RealProxy:
    """Where it listens, and what it writes."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://ann:secret@127.0.0.1:{self.port}"


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RealProxy]:
    place, log = tmp_path / "port", tmp_path / "proxy.log"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", str(place)]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--basic-auth", "ann:secret", "--log-file", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        async with asyncio.timeout(60):
            while not (place.exists() and place.read_text().strip()):
                assert process.poll() is None
                await asyncio.sleep(0.02)
        yield RealProxy(int(place.read_text()), log)
    finally:
        process.terminate()
        process.wait(30)


async def test_everything_goes_through_it(
    host: Any, queue: Any, link: Any, put: Any, proxy: RealProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As HTTPS_PROXY says: small and large contents arrive, and the proxy was asked to connect to the queue."""
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    events = [put(os.urandom(1000)), put(os.urandom(CHUNK_MAX_BYTES + 1000))]
    async with host.running(link()):
        for event_id in events:
            assert (await host.ended(event_id, step_seconds=0.1)).state is ObjectState.DELIVERED
    async with asyncio.timeout(30):
        while f"CONNECT 127.0.0.1:{queue.port}" not in proxy.log.read_text():
            await asyncio.sleep(0.02)


async def test_a_proxy_that_does_not_connect(host: Any, queue: Any, link: Any, put: Any, proxy: RealProxy) -> None:
    """Nothing leaves another way, and whoever looks is told that it is the proxy."""
    event_id = put(b"x")
    async with host.running(link(terms=Terms(proxy=f"http://127.0.0.1:{proxy.port}"))):
        await host.clock.until(lambda: host.attempts() == [1])
    assert "the proxy answered 407" in host.outbox.get(event_id).detail
    assert queue.requests == []


async def test_a_proxy_that_is_not_there(host: Any, queue: Any, link: Any, put: Any, unused_port: int) -> None:
    """It is named, its password is not."""
    event_id = put(b"x")
    async with host.running(link(terms=Terms(proxy=f"http://ann:secret@127.0.0.1:{unused_port}"))):
        await host.clock.until(lambda: host.attempts() == [1])
    detail = host.outbox.get(event_id).detail
    assert "no connection to the proxy" in detail
    assert "secret" not in detail
    assert queue.requests == []
