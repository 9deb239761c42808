"""Journals with a few entries in them, and a process that is killed at any step of what it does to one."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.journal import Journal

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
JANUARY = datetime(2026, 1, 3, tzinfo=UTC)
_STEPS = ("open", "write", "fsync", "rename", "replace", "unlink", "ftruncate", "mkdir")

KilledAt = Callable[[int, Callable[[], object]], bool]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with a journal of six entries about two objects."""
    with Journal(tmp_path) as journal:
        for number in range(6):
            at = START + timedelta(seconds=number)
            journal.append("sent", f"object-{number % 2}", at, {"manifest": {"n": number}})
    return tmp_path


@pytest.fixture
def months(tmp_path: Path) -> Path:
    """A folder with sixteen weekly entries: three closed files, of January, February and March, and April's."""
    with Journal(tmp_path) as journal:
        for week in range(16):
            journal.append("sent", f"object-{week}", JANUARY + timedelta(days=7 * week), {"week": week})
    return tmp_path


@pytest.fixture
def killed_at() -> KilledAt:
    """Does something in a process of its own that dies right before its n-th system call that changes anything.

    Whether it came to that; false: it had ended before.
    """

    def run(step: int, act: Callable[[], object]) -> bool:
        child = os.fork()
        if not child:
            try:
                _die_before(step)
                act()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, 9), "it failed by itself"
        return code == 9

    return run


def _die_before(step: int) -> None:
    left = step

    def dying(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def count(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os._exit(9)
            return call(*arguments, **options)

        return count

    for name in _STEPS:
        setattr(os, name, dying(name))
