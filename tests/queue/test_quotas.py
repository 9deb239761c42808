from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import QuotaReached, TooLarge
from sampler.queue import Quotas, Usage
from sampler.queue.quotas import check, seconds_to_midnight

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NOTHING = Usage()
ceilings = st.none() | st.integers(0, 20)
usages = st.builds(Usage, st.integers(0, 20), st.integers(0, 20))


@pytest.mark.parametrize(
    ("quotas", "device", "tenant", "name"),
    [
        (Quotas(device_objects=3), Usage(3, 0), NOTHING, "device_objects: 3 of 3"),
        (Quotas(device_bytes=30), Usage(1, 25), NOTHING, "device_bytes: 25 of 30"),
        (Quotas(tenant_objects=3), NOTHING, Usage(3, 0), "tenant_objects: 3 of 3"),
        (Quotas(tenant_bytes=30), NOTHING, Usage(1, 25), "tenant_bytes: 25 of 30"),
        (Quotas(device_objects=0), NOTHING, NOTHING, "device_objects: 0 of 0"),
    ],
)
def test_who_is_over_a_quota_is_told_which(quotas: Quotas, device: Usage, tenant: Usage, name: str) -> None:
    """The error names the quota, what is used of it, and how long it is to the next day."""
    with pytest.raises(QuotaReached, match=name) as raised:
        check(quotas, device=device, tenant=tenant, more=Usage(1, 6), now=NOON)
    assert raised.value.retry_after_seconds == 12 * 3600


def test_what_never_fits_is_not_put_off() -> None:
    """More than a day's bytes at once is refused for good, whatever came before."""
    for used in (NOTHING, Usage(0, 9)):
        with pytest.raises(TooLarge, match="device_bytes"):
            check(Quotas(device_bytes=10), device=used, tenant=NOTHING, more=Usage(1, 11), now=NOON)


@given(st.builds(Quotas, ceilings, ceilings, ceilings, ceilings), usages, usages, usages)
def test_what_is_let_in_stays_within_every_quota(quotas: Quotas, device: Usage, tenant: Usage, more: Usage) -> None:
    """Either everything fits together, or nothing is let in and some quota is really passed."""
    sums = [
        (quotas.device_objects, device.objects + more.objects),
        (quotas.device_bytes, device.bytes + more.bytes),
        (quotas.tenant_objects, tenant.objects + more.objects),
        (quotas.tenant_bytes, tenant.bytes + more.bytes),
    ]
    fits = all(ceiling is None or whole <= ceiling for ceiling, whole in sums)
    let_in = True
    try:
        check(quotas, device=device, tenant=tenant, more=more, now=NOON)
    except (QuotaReached, TooLarge):
        let_in = False
    assert let_in == fits


def test_a_tenants_own_quotas_come_first() -> None:
    """Where a tenant says nothing the queue's quotas hold; a zero of its own is a quota."""
    assert Quotas(device_bytes=0).over(Quotas(device_bytes=5, tenant_bytes=7)) == Quotas(device_bytes=0, tenant_bytes=7)
    assert (Quotas(device_objects=1).of_device, Quotas(device_objects=1).of_tenant) == (True, False)
    assert (Quotas(tenant_bytes=1).of_device, Quotas(tenant_bytes=1).of_tenant) == (False, True)


def test_a_quota_is_not_negative() -> None:
    """A number that means nothing cannot be made."""
    with pytest.raises(ValueError, match="device_bytes"):
        Quotas(device_bytes=-1)


@given(st.integers(0, 400 * 86_400_000_000))
def test_the_next_day_is_a_day_away_at_most(microseconds: int) -> None:
    """Whoever waits as long as was said finds another day, and no sooner than a second before it."""
    now = NOON + timedelta(microseconds=microseconds)
    seconds = seconds_to_midnight(now)
    assert 1 <= seconds <= 86_400
    assert (now + timedelta(seconds=seconds)).date() > now.date()
    assert (now + timedelta(seconds=seconds - 1)).date() == now.date()
