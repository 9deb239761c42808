"""Who did what, in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sampler.queue import AuditEntry, AuditQuestion
from sampler.wire.audit_messages import AuditLine


@dataclass(slots=True)
class AuditTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    given: int = 0
    loose: dict[int, AuditEntry] = field(default_factory=dict)
    chain: list[AuditLine] = field(default_factory=list)

    def __copy__(self) -> AuditTables:
        return AuditTables(self.given, {**self.loose}, [*self.chain])


class MemoryAudit(ABC):
    """The part of ``queue.Ledger`` that keeps the audit log."""

    @property
    @abstractmethod
    def _audit(self) -> AuditTables:
        """The tables as they are now."""

    def add_act(self, entry: AuditEntry) -> None:
        """Append an entry."""
        self._audit.given += 1
        self._audit.loose[self._audit.given] = entry

    def loose_acts(self, limit: int) -> tuple[tuple[int, AuditEntry], ...]:
        """Entries without a place in the chain."""
        return tuple(self._audit.loose.items())[:limit]

    def last_in_chain(self) -> AuditLine | None:
        """The entry at the chain's end."""
        return self._audit.chain[-1] if self._audit.chain else None

    def chain_acts(self, lines: Sequence[tuple[int, AuditLine]]) -> None:
        """Give entries their places."""
        for number, line in lines:
            del self._audit.loose[number]
            self._audit.chain.append(line)

    def audit(self, asked: AuditQuestion, after: int, limit: int) -> tuple[AuditLine, ...]:
        """Entries that are asked for, in the chain's order."""
        return tuple([line for line in self._audit.chain if line.position > after and _meets(line, asked)][:limit])

    def forget_acts(self, before: datetime, limit: int) -> int:
        """Remove entries that are older than this, from the chain's start on."""
        old = 0
        for line in self._audit.chain[: min(limit, len(self._audit.chain)) - 1]:
            if line.at >= before:
                break
            old += 1
        del self._audit.chain[:old]
        return old


def _meets(line: AuditLine, asked: AuditQuestion) -> bool:
    named = all(
        getattr(asked, name) in (None, getattr(line, name)) for name in ("tenant", "actor", "action", "subject")
    )
    after = asked.since is None or line.at >= asked.since
    return named and after and (asked.until is None or line.at < asked.until)
