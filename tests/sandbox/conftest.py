"""Pools of children that run the tests' own entry functions."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sampler.sandbox import ChildPool

ENTRIES = Path(__file__).parent / "entries"


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of entry functions, importable here and hence in the nursery."""
    monkeypatch.syspath_prepend(str(ENTRIES))
    return ENTRIES


@pytest.fixture
async def make_pool(entries: Path) -> AsyncIterator[Callable[..., Awaitable[ChildPool]]]:
    """Start a pool of the tests' entry; it is closed at the test's end."""
    pools: list[ChildPool] = []

    async def make(entry: str = "prepare", settings: bytes = b"", **options: Any) -> ChildPool:
        pool = ChildPool(f"sandbox_entries:{entry}", settings, **options)
        pools.append(pool)
        await pool.start()
        return pool

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
def descriptor() -> Iterator[int]:
    """An object of seven bytes."""
    memory = os.memfd_create("object")
    os.write(memory, b"content")
    yield memory
    os.close(memory)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for a condition, ten seconds at most."""

    async def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            await asyncio.sleep(0.005)

    return wait
