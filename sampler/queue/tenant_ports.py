"""What the queue needs of a store of records for tenants: who they are, what they brought, how much on which day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from sampler.queue.quotas import Usage
from sampler.queue.tenants import Tenant


class TenantsLedger(Protocol):
    """The part of ``Ledger`` that keeps tenants apart. The tenant ``default`` is always there."""

    def add_tenant(self, tenant: Tenant) -> None:
        """Record a tenant; ``Conflict`` when its name is in use."""

    def put_tenant(self, tenant: Tenant) -> None:
        """Replace a tenant's quotas."""

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of this name."""

    def tenants(self) -> tuple[Tenant, ...]:
        """All of them by name."""

    def submissions_tenant(self, submission_id: str) -> str | None:
        """Whose a submission is, without reading it; ``None`` when there is none."""

    def held(self, tenant: str, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents one of the tenant's hosts has delivered, every byte of it."""

    def offered_by_others(self, tenant: str, sha256: str) -> bool:
        """Whether a submission of another tenant offers this content."""

    def release_held(self, tenant: str, sha256: str) -> None:
        """Forget that the tenant has delivered a content, unless one of its submissions still offers it."""

    def used(self, day: date, device: str) -> Usage:
        """What a host brought on a day."""

    def used_by_tenant(self, day: date, tenant: str) -> Usage:
        """What was counted for a tenant on a day."""

    def used_by_hosts(self, day: date) -> dict[str, Usage]:
        """What each tenant's hosts brought on a day, by tenant, whether or not there is a quota."""

    def add_used(self, day: date, device: str, more: Usage, *, tenant: str | None = None) -> None:
        """Count more for a host, and for its tenant where that is named."""

    def forget_used(self, before: date) -> None:
        """Forget the numbers of days before this one."""
