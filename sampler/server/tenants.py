"""Tenants: made, changed and listed beside a running server."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sampler.errors import Conflict, NotFound, SettingsError
from sampler.queue import LOCAL, Act, Quotas, Tenant, Usage, note
from sampler.server.settings import QueueSettings
from sampler.server.tokens import opened_ledger
from sampler.wire.audit_messages import Action


@dataclass(frozen=True, slots=True)
class TenantLine:
    """One tenant as it is today."""

    tenant: Tenant
    quotas: Quotas
    """Those that hold: its own, else the queue's."""
    devices: int
    """That are not revoked."""
    today: Usage
    """What its hosts brought since midnight (UTC)."""


def create_tenant(settings: QueueSettings, name: str, quotas: Quotas, *, now: datetime) -> Tenant:
    """Make a tenant; tokens for its people and hosts come next.

    Raises:
        SettingsError: the name is not usable or in use, or a quota is negative.
        StorageError: the ledger cannot be opened.
    """
    try:
        tenant = Tenant(name, now, quotas)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    with opened_ledger(settings) as ledger:
        try:
            with ledger.transaction():
                ledger.add_tenant(tenant)
                note(ledger, Act(LOCAL, Action.TENANT_CREATE, now, _text(quotas)), name)
        except Conflict as error:
            raise SettingsError(f"tenant {name} exists already; change it with: sampler queue tenants set") from error
    return tenant


def change_tenant(settings: QueueSettings, name: str, quotas: Quotas, *, now: datetime) -> Tenant:
    """Give a tenant other quotas in place of all that it had; they count from its hosts' next manifest on.

    Raises:
        NotFound: there is no such tenant.
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger, ledger.transaction():
        before = ledger.tenant(name)
        if before is None:
            raise NotFound(f"no tenant {name[:64]!r}; make it with: sampler queue tenants create")
        after = replace(before, quotas=quotas)
        ledger.put_tenant(after)
        note(ledger, Act(LOCAL, Action.TENANT_CHANGE, now, _text(quotas)), name)
        return after


def list_tenants(settings: QueueSettings, *, now: datetime) -> tuple[TenantLine, ...]:
    """All tenants by name, with what holds for them and what they brought today.

    Raises:
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger:
        devices = Counter(device.tenant for device in ledger.devices() if device.revoked is None)
        today = ledger.used_by_hosts(now.date())
        defaults = settings.policy.quotas
        return tuple(
            TenantLine(each, each.quotas.over(defaults), devices[each.name], today.get(each.name, Usage()))
            for each in ledger.tenants()
        )


def _text(quotas: Quotas) -> str:
    named = [f"{name} {ceiling}" for name, ceiling in asdict(quotas).items() if ceiling is not None]
    return ", ".join(named) or "the queue's quotas"
