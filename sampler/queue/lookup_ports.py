"""What the queue needs of a store for private look-ups; ``ports.Ledger`` is one. The rules of ``ports`` hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sampler.model import Verdict


@dataclass(frozen=True, slots=True)
class Listed:
    """What hosts of a tenant are told about a file by its hash."""

    tenant: str
    sha256: str
    submission: str
    """Which brought the file, and took the verdict; with it the line goes."""
    verdict: Verdict
    """With an end."""


class LookUpLedger(Protocol):
    """One line for each tenant and file."""

    def list_verdict(self, listed: Listed) -> None:
        """List it in place of an older one."""

    def listed(self, tenant: str, first: str, last: str, now: datetime, limit: int) -> tuple[Listed, ...]:
        """Lines about hashes from one to another, both included, in their order, that have not expired."""

    def listed_count(self, tenant: str, last: str, most: int) -> int:
        """How many lines, expired or not, there are about hashes up to one, that included; counted up to ``most``."""

    def forget_listed(self, now: datetime, limit: int) -> int:
        """Forget lines that have expired, so many at a time; how many."""
