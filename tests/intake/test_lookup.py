"""Asking by hash on the local socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.errors import RequestError
from sampler.intake import AgentClient, LocalServer
from sampler.wire import local_routes
from sampler.wire.messages import Message
from sampler.wire.verdict_messages import LookUpView, LookUpWish

Serve = Callable[..., Awaitable[LocalServer]]


class Wrong(Message, frozen=True, kw_only=True):
    """What no peer should ask."""

    sha256: str
    more: int | None = None


async def test_a_hash_is_answered(serve: Serve, client: AgentClient) -> None:
    """With what the agent knows, or why it could not ask."""
    await serve()
    answer = await client.look_up(LookUpWish(sha256="ab" * 32))
    assert answer == LookUpView(sha256="ab" * 32, trouble="nobody was asked")


@pytest.mark.parametrize("wish", [Wrong(sha256="AB" * 32), Wrong(sha256="ab"), Wrong(sha256="ab" * 32, more=1)])
async def test_what_is_no_hash_is_refused(serve: Serve, client: AgentClient, wish: Any) -> None:
    """Before the agent is bothered."""
    await serve()
    with pytest.raises(RequestError):
        await client._ask(local_routes.LOOKUP, wish, LookUpView)
