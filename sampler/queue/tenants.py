"""Tenants: those whose hosts deliver here, and who see nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sampler.queue.quotas import Quotas
from sampler.wire.tenant_messages import is_tenant_name


@dataclass(frozen=True, slots=True)
class Tenant:
    """One of them."""

    name: str
    """1 to 32 of small letters, digits and hyphens."""
    created: datetime
    quotas: Quotas = field(default_factory=Quotas)

    def __post_init__(self) -> None:
        if not is_tenant_name(self.name):
            raise ValueError(f"a tenant's name has 1 to 32 of a-z, 0-9 and -, not {self.name[:64]!r}")
