"""What tests of several rooms need."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from sampler.runtime.key_ring import KeyRing
from sampler.runtime.places import shipped
from tests.support.postgres import PostgresServer, postgres_server

settings.register_profile("sampler", deadline=None)  # a busy machine is no finding
settings.load_profile("sampler")

HANGS_SECONDS = 60
"""Of processor time, wherever and under coverage: work that grows with the square of hostile input takes hours."""


@pytest.fixture
def ends_in_moments() -> Iterator[None]:
    """The test's work ends; how fast it is, the benches say."""
    began = time.process_time()
    yield
    assert time.process_time() - began < HANGS_SECONDS


@pytest.fixture
def now() -> datetime:
    """A moment that does not depend on the clock."""
    return datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    """Keys of a host, one of which has been made."""
    ring = KeyRing(tmp_path / "keys")
    ring.rotate(datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC), timedelta(days=30))
    return ring


@pytest.fixture
def samples() -> Path:
    """The folder of samples."""
    return shipped("samples_fixture")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A database with the queue's present schema and nothing in it."""
    url = postgres.database(prepared=True)
    yield url
    postgres.drop(url)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own SAMPLER_* variables change no test."""
    for name in list(os.environ):
        if name.startswith("SAMPLER_"):
            monkeypatch.delenv(name)
