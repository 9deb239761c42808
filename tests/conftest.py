"""What tests of several rooms need."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.runtime.places import shipped


@pytest.fixture
def now() -> datetime:
    """A moment that does not depend on the clock."""
    return datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def samples() -> Path:
    """The folder of samples."""
    return shipped("samples_fixture")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own SAMPLER_* variables change no test."""
    for name in list(os.environ):
        if name.startswith("SAMPLER_"):
            monkeypatch.delenv(name)
