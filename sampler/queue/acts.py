"""Acts: who does what, and the step that writes it down with what it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.queue.audit_ports import AuditEntry
from sampler.queue.ports import Ledger
from sampler.wire.audit_messages import Action
from sampler.wire.tenant_messages import ALL_TENANTS


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: the holder of a token, or whoever administers the queue on its own machine."""

    name: str
    role: str
    tenant: str


LOCAL: Final = Actor("local", "admin", ALL_TENANTS)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does; what it is done to is known where it is done."""

    by: Actor
    action: Action
    at: datetime
    detail: str = ""
    """What else there is to say: a form, a reason, a conclusion."""


def note(ledger: Ledger, act: Act | None, subject: str) -> None:
    """Write down an act, as a part of the transaction that does it. Blocking; on the lane. Without an act, nothing."""
    if act is None:
        return
    by, detail = act.by, act.detail[:TEXT_MAX_CHARACTERS]
    ledger.add_act(AuditEntry(act.at, by.name, by.role, by.tenant, act.action, subject[:TEXT_MAX_CHARACTERS], detail))
