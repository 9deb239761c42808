"""``POST /v1/preview`` and its twin for bytes: the same door as for a flag, to another room."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sampler.intake import AgentClient, LocalServer
from sampler.wire.agent_messages import FlagRequest

Serve = Callable[..., Awaitable[LocalServer]]


async def test_an_object_in_each_of_three_ways(serve: Serve, client: AgentClient, handler: Any, tmp_path: Path) -> None:
    """By path, by descriptor and as bytes the same content is previewed for whoever asks, and nothing is flagged."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    await serve()
    by_path = await client.preview(FlagRequest(path=str(file)))
    with file.open("rb") as opened:
        by_descriptor = await client.preview_descriptor(opened.fileno(), FlagRequest(path="/called"))
    by_bytes = await client.preview_bytes(b"content", FlagRequest(path="/called"))
    assert by_path == by_descriptor == by_bytes
    assert by_path.object.sha256 == hashlib.sha256(b"content").hexdigest()
    assert handler.scanned[0].peer.uid == os.geteuid()
    assert handler.candidates == []
