"""``POST /v1/scan`` and its twin for bytes: the same door as for a flag, to another room."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import RequestError
from sampler.intake import AgentClient, LocalServer
from sampler.wire.agent_messages import FlagRequest

Serve = Callable[..., Awaitable[LocalServer]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


async def test_an_object_in_each_of_three_ways(serve: Serve, client: AgentClient, handler: Any, file: Path) -> None:
    """By path, by descriptor and as bytes the same content is scanned, and nothing is flagged."""
    await serve()
    by_path = await client.scan(FlagRequest(path=str(file)))
    with file.open("rb") as opened:
        by_descriptor = await client.scan_descriptor(opened.fileno(), FlagRequest(path="/called"))
    by_bytes = await client.scan_bytes(b"content", FlagRequest(path="/called"))
    assert by_path == by_descriptor == by_bytes
    assert by_path.sha256 == hashlib.sha256(b"content").hexdigest()
    assert handler.contents == [b"content"] * 3
    assert handler.candidates == []


async def test_who_asks_is_who_the_kernel_says(serve: Serve, client: AgentClient, handler: Any, file: Path) -> None:
    """The rights that count are those of the peer, as with a flag."""
    await serve()
    await client.scan(FlagRequest(path=str(file)))
    assert (handler.scanned[0].peer.uid, handler.scanned[0].peer.pid) == (os.geteuid(), os.getpid())


async def test_an_object_that_cannot_be_had_is_refused(serve: Serve, client: AgentClient, file: Path) -> None:
    """No answer looks like that of a clean object."""
    await serve()
    with pytest.raises(RequestError, match=r"absent"):
        await client.scan(FlagRequest(path=f"{file}-absent"))


async def test_a_descriptor_does_not_go_with_bytes(serve: Serve, client: AgentClient) -> None:
    """The refusal names the route that takes one."""
    await serve()
    with pytest.raises(RequestError, match="a descriptor goes to /v1/scan -"):
        await client.scan_bytes(b"content", FlagRequest(descriptor=True))
