from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sampler.agent.journal_tending import JournalTender
from sampler.journal import Journal

START = datetime(2026, 1, 1, tzinfo=UTC)


class Days:
    """A clock whose every sleep is a day, until it is enough."""

    def __init__(self, days: int, woken: Callable[[], None]) -> None:
        self.day = 0
        self._days = days
        self._woken = woken

    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    async def sleep(self, seconds: float) -> None:
        self._woken()
        self.day += 1
        if self.day == self._days:
            raise EnoughError


class EnoughError(Exception):
    pass


async def test_a_journal_stays_within_its_age(tmp_path: Path) -> None:
    """Over years without any object the journal holds some sixty days, and verifies."""
    with Journal(tmp_path) as journal:
        journal.append("sent", "x", START, {})
        ages: list[timedelta] = []

        def look() -> None:
            ages.append(clock.now() - next(iter(journal.entries())).at)

        clock = Days(400, look)
        with pytest.raises(EnoughError):
            await JournalTender(journal, clock, timedelta(days=60)).run()
        assert timedelta(days=60) < max(ages) < timedelta(days=60 + 31 + 14)
        assert journal.verify() == ()


async def test_a_disk_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that cannot be written ends nothing; the next look does what this one could not."""

    def fail(descriptor: int) -> None:
        raise OSError(5, "input or output error")

    with Journal(tmp_path) as journal:
        journal.append("sent", "x", START, {})
        tender = JournalTender(journal, Days(0, lambda: None), timedelta(days=60))
        later = JournalTender(journal, _at(8), timedelta(days=60))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda descriptor, data: fail(descriptor))
            await later.tend()
        await tender.tend()
        assert len(list(journal.entries())) == 1
        await later.tend()
        assert [entry.kind for entry in journal.entries()] == ["sent", "quiet"]


def _at(day: int) -> Days:
    clock = Days(0, lambda: None)
    clock.day = day
    return clock
