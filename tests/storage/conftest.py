"""Every implementation of a store, for the suites that hold them to one contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.queue import Ledger
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.storage.postgres_queue import PostgresQueueLedger
from sampler.storage.sqlite_queue import SqliteQueueLedger


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Each of them in turn, empty."""
    opened = _opened(request, tmp_path)
    yield opened
    opened.close()


def _opened(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    if request.param == "memory":
        return MemoryQueueLedger()
    if request.param == "sqlite":
        return SqliteQueueLedger(tmp_path / "queue.db")
    return PostgresQueueLedger(request.getfixturevalue("postgres_url"))
