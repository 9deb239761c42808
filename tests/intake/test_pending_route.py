"""``POST /v1/pending/{id}``: what people say of contents that wait, and who said it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.errors import NotYours, RequestError
from sampler.intake import AgentClient, LocalServer

EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
Serve = Callable[..., Awaitable[LocalServer]]


@pytest.mark.parametrize("approve", [True, False])
async def test_a_decision_comes_with_who_the_kernel_says_it_is(
    serve: Serve, client: AgentClient, handler: Any, *, approve: bool
) -> None:
    """The handler gets the event, the decision and the peer's own number, whatever the peer says of itself."""
    await serve()
    view = await client.decide_pending(EVENT, approve=approve)
    assert (view.id, view.state) == (EVENT, "spooled" if approve else "refused")
    ((event_id, peer, decided),) = handler.decided
    assert (event_id, peer.uid, decided) == (EVENT, os.geteuid(), approve)


async def test_what_the_handler_refuses_is_said(serve: Serve, client: AgentClient, handler: Any) -> None:
    """Whoever may not decide reads why."""
    await serve()
    handler.error = NotYours("only root and the agent's own user approve or deny what waits")
    with pytest.raises(RequestError, match="only root"):
        await client.decide_pending(EVENT, approve=True)


@pytest.mark.parametrize("body", [b"{}", b'{"approve": "yes"}', b'{"approve": true, "by": "ann"}', b"[", b""])
async def test_a_decision_that_is_none(
    serve: Serve, handler: Any, connect: Callable[..., Awaitable[Any]], post: Callable[..., bytes], body: bytes
) -> None:
    """A missing word, another type or an unknown key decides nothing."""
    await serve()
    raw = await connect()
    await raw.send(post(f"/v1/pending/{EVENT}", body))
    assert (await raw.answer()).status in (400, 422)
    assert handler.decided == []
