"""How much time a journal has seen pass, which is what its entries' age is counted by. Pure.

A clock that jumped ahead by years must not make all entries old. So time counts as it was witnessed: from entry to
entry, and of one step never more than ``STEP_MAX``. A running agent notes that nothing happened before a step becomes
longer than that, so that quiet weeks count in full. While a machine is off its journal does not age, and keeps longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

STEP_MAX: Final = timedelta(days=8)
QUIET: Final = timedelta(days=7)
"""After this long without an entry the agent makes one that says so."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Where a journal's own time stands."""

    passed: timedelta = timedelta()
    """Since its first entry."""
    latest: datetime | None = None
    """The latest time of any entry, UTC; ``None`` before the first."""

    def at(self, moment: datetime) -> Witnessed:
        """Where it stands when something is noted at ``moment``; an earlier moment than the latest adds nothing."""
        if self.latest is None:
            return Witnessed(self.passed, moment)
        step = moment - self.latest
        if step <= timedelta():
            return self
        return Witnessed(self.passed + min(step, STEP_MAX), moment)

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing has been noted for long."""
        return self.latest is not None and now - self.latest >= QUIET

    def begins_month(self, moment: datetime) -> bool:
        """Whether ``moment`` lies in a later month than everything noted before."""
        latest = self.latest
        return latest is not None and (moment.year, moment.month) > (latest.year, latest.month)


UNBEGUN: Final = Witnessed()
"""The time of a journal without entries."""
