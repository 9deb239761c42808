"""Journals with a few entries in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.journal import Journal

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with a journal of six entries about two objects."""
    with Journal(tmp_path) as journal:
        for number in range(6):
            at = START + timedelta(seconds=number)
            journal.append("sent", f"object-{number % 2}", at, {"manifest": {"n": number}})
    return tmp_path
