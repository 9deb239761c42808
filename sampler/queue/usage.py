"""Counting what comes in against the day's quotas, as a part of the steps that let it in. Blocking; on the lane."""

from __future__ import annotations

from datetime import datetime, timedelta

from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Ledger
from sampler.queue.quotas import Quotas, Usage, check
from sampler.queue.records import Submission, Upload
from sampler.queue.registry import tenant_of

USAGE_KEPT_DAYS = 31
"""So long the numbers of a day can be looked up."""


def charge(ledger: Ledger, policy: QueuePolicy, submission: Submission, wanted_bytes: int) -> None:
    """Count a new manifest, with the bytes that are to come for it; part of a transaction of the caller.

    Raises:
        QuotaReached: its device, or its tenant, brought as much today as it may.
        TooLarge: it alone is more than a day's bytes.
    """
    more = Usage(1, wanted_bytes)
    _charge(ledger, policy, submission.tenant, submission.device, more=more, now=submission.received)


def charge_again(ledger: Ledger, policy: QueuePolicy, upload: Upload, lost_bytes: int, now: datetime) -> None:
    """Count bytes that are thrown away, perhaps none, before they come again; part of the caller's transaction.

    Raises:
        QuotaReached: it was too much of that today.
        TooLarge: they are more than a day's bytes.
    """
    tenant = tenant_of(ledger, upload.device)
    _charge(ledger, policy, tenant, upload.device, more=Usage(0, lost_bytes), now=now)


def note_lost(ledger: Ledger, policy: QueuePolicy, upload: Upload, now: datetime) -> None:
    """Count bytes that turned out to be others than announced: they came, whatever the quota says."""
    tenant = tenant_of(ledger, upload.device)
    _add(ledger, quotas_of(ledger, policy, tenant), tenant, upload.device, more=Usage(0, upload.size), now=now)


def forget_old(ledger: Ledger, now: datetime) -> None:
    """Forget numbers that nobody needs any more."""
    ledger.forget_used((now - timedelta(days=USAGE_KEPT_DAYS)).date())


def quotas_of(ledger: Ledger, policy: QueuePolicy, tenant: str) -> Quotas:
    """The ceilings that hold for a tenant and its hosts."""
    known = ledger.tenant(tenant)
    return policy.quotas if known is None else known.quotas.over(policy.quotas)


def _charge(ledger: Ledger, policy: QueuePolicy, tenant: str, device: str, *, more: Usage, now: datetime) -> None:
    day, quotas = now.date(), quotas_of(ledger, policy, tenant)
    of_device = ledger.used(day, device) if quotas.of_device else Usage()  # what nobody asks for meets nobody's writes
    of_tenant = ledger.used_by_tenant(day, tenant) if quotas.of_tenant else Usage()
    check(quotas, device=of_device, tenant=of_tenant, more=more, now=now)
    _add(ledger, quotas, tenant, device, more=more, now=now)


def _add(ledger: Ledger, quotas: Quotas, tenant: str, device: str, *, more: Usage, now: datetime) -> None:
    """A tenant's sum is kept only where there is a quota for it: all of its hosts write to that one row."""
    if more != Usage():
        ledger.add_used(now.date(), device, more, tenant=tenant if quotas.of_tenant else None)
