"""Who did what: one entry for every download, lease and change by a person or a program, in a chain of hashes.

An entry is written in the transaction of what it tells of (a download's before the first byte leaves), so that neither
is there without the other. It gets its place in the chain a moment later, a batch at a time: those who write do not
wait for each other, and still nothing can be taken out, put in or altered without every later hash being another.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from sampler.limits import AUDIT_BATCH_MAX_COUNT
from sampler.queue.acts import Act, Actor, note
from sampler.queue.audit_ports import AuditEntry, AuditQuestion
from sampler.queue.core import Core
from sampler.queue.ports import Ledger
from sampler.wire.audit_messages import FIRST_CHAIN, Action, AuditLine, AuditPage, chained


class Auditing(Core):
    """The part of the queue that tells who did what."""

    async def note(self, by: Actor, action: Action, subject: str, detail: str = "") -> None:
        """Write down what is about to be done and changes nothing of the ledger: a download."""
        act = Act(by, action, self._clock.now(), detail)
        await self._step(lambda ledger: note(ledger, act, subject))

    async def audit(self, asked: AuditQuestion, *, after: int = -1, limit: int = 100) -> AuditPage:
        """A page of entries, the oldest first, those of the last moment among them."""
        await self.chain_acts()
        found = await self._step(lambda ledger: ledger.audit(asked, after, limit + 1))
        more = len(found) > limit
        return AuditPage(entries=found[:limit], after=found[limit - 1].position if more else None)

    async def chain_acts(self) -> None:
        """Give all entries that have none their place in the chain."""
        while await self._step(_chain_some):
            pass

    async def tend_audit(self) -> None:
        """Chain what came, and forget what is older than it is kept."""
        await self.chain_acts()
        before = self._clock.now() - timedelta(days=self._policy.audit_days)
        while await self._step(lambda ledger: ledger.forget_acts(before, AUDIT_BATCH_MAX_COUNT)):
            pass


def _chain_some(ledger: Ledger) -> bool:
    """Whether there may be more."""
    with ledger.transaction():
        loose = ledger.loose_acts(AUDIT_BATCH_MAX_COUNT)
        last = ledger.last_in_chain() if loose else None
        lines = []
        for number, entry in loose:
            last = _following(last, entry)
            lines.append((number, last))
        ledger.chain_acts(lines)
    return len(loose) == AUDIT_BATCH_MAX_COUNT


def _following(last: AuditLine | None, entry: AuditEntry) -> AuditLine:
    line = AuditLine(
        position=last.position + 1 if last else 0,
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        tenant=entry.tenant,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
        chain=FIRST_CHAIN,
    )
    return replace(line, chain=chained(last.chain if last else FIRST_CHAIN, line))
