"""Hours of the week in which something may happen: windows, by the host's wall clock. Pure; time is passed in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from sampler.errors import SettingsError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = "|".join(_DAYS)
_TIME: Final = r"((?:[01][0-9]|2[0-3]):[0-5][0-9])"
WINDOW: Final = rf"((?:(?:{_DAY}) )*){_TIME}-(?:{_TIME}|24:00)"
"""``22:00-06:00``, ``sat sun 00:00-24:00``: the days on which it begins, none for all; from, to."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of some days of the week; one that ends before it begins ends on the next day."""

    days: frozenset[int]
    """On which it begins; Monday is 0."""
    begin: time
    end: time
    """Midnight is the end of the day."""

    @classmethod
    def of(cls, text: str) -> Window:
        """A window as it is written in the settings.

        Raises:
            SettingsError: it is none.
        """
        found = re.fullmatch(WINDOW, text, re.ASCII)
        if found is None:
            raise SettingsError(f"{text!r} are no hours; write 22:00-06:00, or sat sun 00:00-24:00")
        days, begin, end = found.groups()
        named = frozenset(_DAYS.index(day) for day in days.split()) or frozenset(range(7))
        return cls(named, time.fromisoformat(begin), time.fromisoformat(end or "00:00"))

    def on(self, day: datetime) -> tuple[datetime, datetime] | None:
        """From when to when it is open, beginning on a day; ``None`` when it does not begin on it."""
        if day.weekday() not in self.days:
            return None
        following = day + timedelta(days=1) if self.end <= self.begin else day
        return datetime.combine(day, self.begin), datetime.combine(following, self.end)


class Hours:
    """Windows in one time zone; none is always."""

    def __init__(self, windows: Iterable[str] = (), zone: tzinfo | None = None) -> None:
        """``zone`` is the machine's own when it is not given.

        Raises:
            SettingsError: a window is none.
        """
        self._windows = tuple(Window.of(text) for text in windows)
        self._zone = zone

    def wait_seconds(self, now: datetime) -> float:
        """How long until one is open; 0 when one is now. A clock change in between moves it by as much."""
        if not self._windows:
            return 0.0
        local = now.astimezone(self._zone).replace(tzinfo=None)
        return min(self._waits(now, local))

    def _waits(self, now: datetime, local: datetime) -> Iterator[float]:
        today = local.replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(-1, 9):
            for window in self._windows:
                stretch = window.on(today + timedelta(days=ahead))
                if stretch is not None and local < stretch[1]:
                    yield self._until(now, stretch[0])

    def _until(self, now: datetime, local: datetime) -> float:
        begin = local.replace(tzinfo=self._zone).astimezone(UTC)
        return max((begin - now).total_seconds(), 0.0)
