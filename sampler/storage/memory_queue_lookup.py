"""What hosts can look up, in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from sampler.queue import Listed


class MemoryLookUp(ABC):
    """The part of ``queue.Ledger`` that lists verdicts by hash."""

    @property
    @abstractmethod
    def _lines(self) -> dict[tuple[str, str], Listed]:
        """By tenant and hash, as they are now."""

    def list_verdict(self, listed: Listed) -> None:
        """List it in place of an older one."""
        before = self._lines.get((listed.tenant, listed.sha256))
        if before is None or before.verdict.at <= listed.verdict.at:
            self._lines[listed.tenant, listed.sha256] = listed

    def listed(self, tenant: str, first: str, last: str, now: datetime, limit: int) -> tuple[Listed, ...]:
        """In the order of the hashes."""
        keys = sorted(key for key in self._lines if key[0] == tenant and first <= key[1] <= last)
        return tuple(self._lines[key] for key in keys if not _expired(self._lines[key], now))[:limit]

    def listed_count(self, tenant: str, last: str, most: int) -> int:
        """Counted anew each time."""
        return min(sum(key[0] == tenant and key[1] <= last for key in self._lines), most)

    def forget_listed(self, now: datetime, limit: int) -> int:
        """Those whose time is over."""
        expired = [key for key, line in self._lines.items() if _expired(line, now)][:limit]
        for key in expired:
            del self._lines[key]
        return len(expired)

    def _unlist(self, submission_id: str) -> None:
        """Forget what a submission brought."""
        for key in [key for key, line in self._lines.items() if line.submission == submission_id]:
            del self._lines[key]


def _expired(line: Listed, now: datetime) -> bool:
    return line.verdict.expires is None or line.verdict.expires <= now
