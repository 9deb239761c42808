"""What the queue needs of a store of records for its audit log. Entries are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sampler.wire.audit_messages import Action, AuditLine


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did to something."""

    at: datetime
    actor: str
    role: str
    tenant: str
    action: Action
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which entries are asked for; ``None`` leaves that open."""

    tenant: str | None = None
    actor: str | None = None
    action: Action | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""


class AuditLedger(Protocol):
    """The part of ``Ledger`` that keeps the audit log."""

    def add_act(self, entry: AuditEntry) -> None:
        """Append an entry; it has no place in the chain yet."""

    def loose_acts(self, limit: int) -> tuple[tuple[int, AuditEntry], ...]:
        """Entries without a place in the chain, each with its number, in the order in which they came.

        Within a transaction, nobody else is given any until it ends.
        """

    def last_in_chain(self) -> AuditLine | None:
        """The entry at the chain's end."""

    def chain_acts(self, lines: Sequence[tuple[int, AuditLine]]) -> None:
        """Give entries, by their numbers, their places."""

    def audit(self, asked: AuditQuestion, after: int, limit: int) -> tuple[AuditLine, ...]:
        """Entries that are asked for, in the chain's order, from the position behind ``after`` on."""

    def forget_acts(self, before: datetime, limit: int) -> int:
        """Remove entries that are in the chain and older than this, from its start on; how many."""
