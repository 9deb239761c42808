"""What tests of walking need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def descriptors() -> Callable[[], set[int]]:
    """The descriptors that are open in this process at the call."""

    def count() -> set[int]:
        return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}

    return count
