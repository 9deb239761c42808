"""What operators ask about the spool arrives as they asked it, with who the kernel says they are."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.errors import NotYours, RequestError
from sampler.intake import AgentClient, LocalServer
from sampler.limits import SPOOL_IDS_MAX_COUNT
from sampler.wire.spool_messages import SpoolChoice

Serve = Callable[..., Awaitable[LocalServer]]


async def test_asking_how_it_is(serve: Serve, client: AgentClient) -> None:
    """The status comes back as it was given."""
    await serve()
    assert (await client.spool_status()).max_bytes == 1


@pytest.mark.parametrize("ids", [None, [], ["0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"]])
async def test_a_choice_arrives(serve: Serve, client: AgentClient, handler: Any, ids: list[str] | None) -> None:
    """Named, none, or all: retry and purge get what was chosen, and by whom."""
    await serve()
    await client.spool_retry(SpoolChoice(ids=ids))
    done = await client.spool_purge(SpoolChoice(ids=ids))
    assert [(what, peer.uid, chosen) for what, peer, chosen in handler.chosen] == [
        ("retry", os.geteuid(), ids),
        ("purge", os.geteuid(), ids),
    ]
    assert done.ids == (ids or [])


async def test_what_the_handler_refuses_is_said(serve: Serve, client: AgentClient, handler: Any) -> None:
    """A peer that may not is told so."""
    await serve()
    handler.error = NotYours("only root does that")
    with pytest.raises(RequestError, match="only root"):
        await client.spool_purge(SpoolChoice())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"ids": "all"}',
        b'{"ids": ["../../x"]}',
        b'{"everything": true}',
        json.dumps({"ids": [str(uuid.uuid4())] * (SPOOL_IDS_MAX_COUNT + 1)}).encode(),
    ],
)
async def test_a_choice_that_is_none(
    serve: Serve, handler: Any, connect: Callable[..., Awaitable[Any]], post: Callable[..., bytes], body: bytes
) -> None:
    """Anything that is not exactly a choice is refused and changes nothing."""
    await serve()
    raw = await connect()
    await raw.send(post("/v1/spool/purge", body))
    assert (await raw.answer()).status in (400, 422)
    assert handler.chosen == []
