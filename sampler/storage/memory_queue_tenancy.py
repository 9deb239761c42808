"""Tenants in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sampler.errors import Conflict
from sampler.queue import Device, Tenant, Usage
from sampler.wire.tenant_messages import DEFAULT_TENANT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _default() -> dict[str, Tenant]:
    return {DEFAULT_TENANT: Tenant(DEFAULT_TENANT, _EPOCH)}


@dataclass(frozen=True, slots=True)
class TenancyTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    tenants: dict[str, Tenant] = field(default_factory=_default)
    held: set[tuple[str, str]] = field(default_factory=set)
    devices: dict[tuple[date, str], Usage] = field(default_factory=dict)
    usage: dict[tuple[date, str], Usage] = field(default_factory=dict)

    def __copy__(self) -> TenancyTables:
        return TenancyTables({**self.tenants}, {*self.held}, {**self.devices}, {**self.usage})


class MemoryTenancy(ABC):
    """The part of ``queue.Ledger`` that keeps tenants apart."""

    @property
    @abstractmethod
    def _tenancy(self) -> TenancyTables:
        """The tables as they are now."""

    @abstractmethod
    def device(self, agent_id: str) -> Device | None:
        """The host with this identifier."""

    @abstractmethod
    def _offers(self, tenant: str, sha256: str) -> bool:
        """Whether one of the tenant's submissions offers this content."""

    @abstractmethod
    def offered_by_others(self, tenant: str, sha256: str) -> bool:
        """Whether a submission of another tenant offers this content."""

    def add_tenant(self, tenant: Tenant) -> None:
        """Record a tenant."""
        if tenant.name in self._tenancy.tenants:
            raise Conflict(f"tenant {tenant.name} exists already")
        self._tenancy.tenants[tenant.name] = tenant

    def put_tenant(self, tenant: Tenant) -> None:
        """Replace a tenant's quotas."""
        if tenant.name in self._tenancy.tenants:
            self._tenancy.tenants[tenant.name] = tenant

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of this name."""
        return self._tenancy.tenants.get(name)

    def tenants(self) -> tuple[Tenant, ...]:
        """All of them by name."""
        return tuple(sorted(self._tenancy.tenants.values(), key=lambda tenant: tenant.name))

    def held(self, tenant: str, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents one of the tenant's hosts has delivered."""
        return frozenset(sha256 for sha256 in hashes if (tenant, sha256) in self._tenancy.held)

    def release_held(self, tenant: str, sha256: str) -> None:
        """Forget that the tenant has delivered a content, unless one of its submissions still offers it."""
        if not self._offers(tenant, sha256):
            self._tenancy.held.discard((tenant, sha256))

    def used(self, day: date, device: str) -> Usage:
        """What a host brought on a day."""
        return self._tenancy.devices.get((day, device), Usage())

    def used_by_tenant(self, day: date, tenant: str) -> Usage:
        """What was counted for a tenant on a day."""
        return self._tenancy.usage.get((day, tenant), Usage())

    def used_by_hosts(self, day: date) -> dict[str, Usage]:
        """What each tenant's hosts brought on a day."""
        sums: dict[str, Usage] = {}
        for (of, agent_id), usage in self._tenancy.devices.items():
            if of == day and (device := self.device(agent_id)) is not None:
                sums[device.tenant] = sums.get(device.tenant, Usage()).plus(usage)
        return sums

    def add_used(self, day: date, device: str, more: Usage, *, tenant: str | None = None) -> None:
        """Count more for a host, and for its tenant where that is named."""
        self._tenancy.devices[day, device] = self.used(day, device).plus(more)
        if tenant is not None:
            self._tenancy.usage[day, tenant] = self.used_by_tenant(day, tenant).plus(more)

    def forget_used(self, before: date) -> None:
        """Forget the numbers of days before this one."""
        for table in (self._tenancy.devices, self._tenancy.usage):
            for key in [each for each in table if each[0] < before]:
                del table[key]
