"""Asking a queue as a person: the profile, the client, one question."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sampler.worker import PeopleClient, load_client_settings

T = TypeVar("T")


def with_client(config: Path | None, ask: Callable[[PeopleClient], Awaitable[T]]) -> T:
    """Ask the queue of a client profile."""
    settings = load_client_settings(config, os.environ)

    async def run() -> T:
        async with PeopleClient(settings.url, settings.ca_file, settings.token) as client:
            return await ask(client)

    return asyncio.run(run())
