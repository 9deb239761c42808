"""How much may come in on one day (UTC), from one host and for one tenant. Pure rules.

What counts: each manifest that is accepted is one object; the bytes of the contents that it brings and that the tenant
has not delivered before; and bytes that were sent and thrown away, since they cost the same. What is refused counts
nothing, and neither does the same manifest once more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta

from sampler.errors import QuotaReached, TooLarge


@dataclass(frozen=True, slots=True)
class Quotas:
    """Ceilings of one day; ``None``: as the queue's own say, or none."""

    device_objects: int | None = None
    """Manifests of one host."""
    device_bytes: int | None = None
    tenant_objects: int | None = None
    """Manifests of all of a tenant's hosts together."""
    tenant_bytes: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            ceiling = getattr(self, each.name)
            if ceiling is not None and ceiling < 0:
                raise ValueError(f"a quota is not negative: {each.name} = {ceiling}")

    def over(self, defaults: Quotas) -> Quotas:
        """These, and the others where these say nothing."""
        return Quotas(*(_first(getattr(self, each.name), getattr(defaults, each.name)) for each in fields(self)))

    @property
    def of_device(self) -> bool:
        """Whether anything is counted of each host."""
        return self.device_objects is not None or self.device_bytes is not None

    @property
    def of_tenant(self) -> bool:
        """Whether anything is counted over all of a tenant's hosts."""
        return self.tenant_objects is not None or self.tenant_bytes is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """What came in on one day."""

    objects: int = 0
    bytes: int = 0

    def plus(self, more: Usage) -> Usage:
        """Both together."""
        return Usage(self.objects + more.objects, self.bytes + more.bytes)


def check(quotas: Quotas, *, device: Usage, tenant: Usage, more: Usage, now: datetime) -> None:
    """Whether ``more`` may come in on top of what came in today.

    Raises:
        TooLarge: it never may: it alone is more than a day's bytes.
        QuotaReached: not today any more.
    """
    for name, ceiling, used, wanted in (
        ("device_bytes", quotas.device_bytes, device.bytes, more.bytes),
        ("tenant_bytes", quotas.tenant_bytes, tenant.bytes, more.bytes),
        ("device_objects", quotas.device_objects, device.objects, more.objects),
        ("tenant_objects", quotas.tenant_objects, tenant.objects, more.objects),
    ):
        if ceiling is None or used + wanted <= ceiling:
            continue
        if wanted > ceiling and name.endswith("bytes"):
            raise TooLarge(f"{wanted} bytes: the quota {name} takes {ceiling} a day, so never as many at once")
        seconds = seconds_to_midnight(now)
        detail = f"quota {name}: {used} of {ceiling} a day are used up, and {wanted} more would be too many"
        raise QuotaReached(f"{detail}; come again in {seconds} seconds, when the next day (UTC) begins", seconds)


def seconds_to_midnight(now: datetime) -> int:
    """Whole seconds until the next day (UTC) begins; at least 1."""
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return max(1, -((now - tomorrow) // timedelta(seconds=1)))


def _first(own: int | None, other: int | None) -> int | None:
    return other if own is None else own
