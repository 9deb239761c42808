"""``GET /v1/statistics``: counters of this host's days for any local peer; there is nobody's name among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sampler.intake import AgentClient, LocalServer


async def test_counters_are_shown(serve: Callable[..., Awaitable[LocalServer]], client: AgentClient) -> None:
    """As the handler says them."""
    await serve()
    assert (await client.statistics()).threshold == 20
