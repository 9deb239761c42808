"""Tenants and what they brought, in every implementation of ``queue.Ledger``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sampler.errors import Conflict
from sampler.queue import Ledger, Quotas, Submission, Tenant, Usage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TODAY = NOW.date()
ONE, TWO = "a" * 64, "b" * 64
BANK = Tenant("bank", NOW, Quotas(device_bytes=5, tenant_objects=7))


def _submit(ledger: Ledger, submission_id: str, tenant: str) -> None:
    ledger.add_submission(Submission(submission_id, "d1", NOW, b"{}", tenant), {ONE: 1, TWO: 2})


def test_there_is_one_tenant_from_the_start(ledger: Ledger) -> None:
    """What belongs to nobody in particular belongs to the tenant ``default``, which has no quotas of its own."""
    (only,) = ledger.tenants()
    assert (only.name, only.quotas) == ("default", Quotas())


def test_a_tenant_comes_back_as_it_was(ledger: Ledger) -> None:
    """Its quotas are kept and can be changed; its name is taken."""
    ledger.add_tenant(BANK)
    with pytest.raises(Conflict, match="bank"):
        ledger.add_tenant(BANK)
    changed = replace(BANK, quotas=Quotas(tenant_bytes=1 << 40))
    ledger.put_tenant(changed)
    ledger.put_tenant(replace(BANK, name="nobody"))
    assert [tenant.name for tenant in ledger.tenants()] == ["bank", "default"]
    assert ledger.tenant("bank") == changed
    assert ledger.tenant("nobody") is None


def test_a_content_of_one_tenant_is_missing_to_another(ledger: Ledger) -> None:
    """That the queue has the bytes helps nobody but the tenant whose host brought them."""
    _submit(ledger, "s1", "bank")
    _submit(ledger, "s2", "shop")
    ledger.add_content(ONE, 1, NOW, "bank")
    ledger.add_content(ONE, 1, NOW, "bank")
    assert ledger.missing("s1") == (TWO,)
    assert ledger.missing("s2") == (ONE, TWO)
    assert ledger.held("bank", (ONE, TWO)) == {ONE}
    assert ledger.held("shop", (ONE, TWO)) == ledger.held("bank", ()) == frozenset()
    assert ledger.verified((ONE, TWO)) == {ONE}


def test_a_tenant_holds_what_one_of_its_submissions_offers(ledger: Ledger) -> None:
    """When its last submission with a content is gone the tenant has to bring it anew; others keep it."""
    for submission_id, tenant in (("s1", "bank"), ("s2", "bank"), ("s3", "shop")):
        _submit(ledger, submission_id, tenant)
    for tenant in ("bank", "shop"):
        ledger.add_content(ONE, 1, NOW, tenant)
    ledger.erase_submission("s1")
    ledger.release_held("bank", ONE)
    assert ledger.held("bank", (ONE,)) == {ONE}
    ledger.erase_submission("s2")
    ledger.release_held("bank", ONE)
    assert ledger.held("bank", (ONE,)) == frozenset()
    assert ledger.held("shop", (ONE,)) == {ONE}


def test_another_tenants_offer_is_told_apart(ledger: Ledger) -> None:
    """Whether anybody else offers a content, and not how many."""
    _submit(ledger, "s1", "bank")
    assert not ledger.offered_by_others("bank", ONE)
    assert ledger.offered_by_others("shop", ONE)
    _submit(ledger, "s2", "shop")
    assert ledger.offered_by_others("bank", ONE)
    ledger.erase_submission("s2")
    assert not ledger.offered_by_others("bank", ONE)


def test_only_who_has_a_content_keeps_it(ledger: Ledger) -> None:
    """A submission of the same tenant keeps it, one of another tenant only when that has delivered it too."""
    for submission_id, tenant in (("s1", "bank"), ("s2", "shop")):
        _submit(ledger, submission_id, tenant)
    ledger.add_content(ONE, 1, NOW, "bank")
    assert not ledger.offered_elsewhere(ONE, "s1")
    assert ledger.offered_elsewhere(ONE, "s2")
    ledger.add_content(ONE, 1, NOW, "shop")
    assert ledger.offered_elsewhere(ONE, "s1")
    ledger.remove_content(ONE)
    _submit(ledger, "s3", "bank")
    assert ledger.offered_elsewhere(ONE, "s1")
    assert not ledger.offered_elsewhere(ONE, "s2")


def test_a_content_that_is_gone_is_held_by_nobody(ledger: Ledger) -> None:
    """Removing a content forgets who brought it."""
    for tenant in ("bank", "shop"):
        ledger.add_content(ONE, 1, NOW, tenant)
    ledger.remove_content(ONE)
    assert ledger.held("bank", (ONE,)) == ledger.held("shop", (ONE,)) == frozenset()


def test_a_days_usage_adds_up(ledger: Ledger) -> None:
    """Each host by itself, a tenant where it is named, each day by itself; old days can be forgotten."""
    yesterday = TODAY - timedelta(days=1)
    ledger.add_used(yesterday, "d1", Usage(9, 9), tenant="bank")
    ledger.add_used(TODAY, "d1", Usage(1, 1 << 40), tenant="bank")
    ledger.add_used(TODAY, "d1", Usage(0, 5))
    ledger.add_used(TODAY, "d2", Usage(2, 0), tenant="bank")
    assert ledger.used(TODAY, "d1") == Usage(1, (1 << 40) + 5)
    assert ledger.used_by_tenant(TODAY, "bank") == Usage(3, 1 << 40)
    assert ledger.used(TODAY, "d3") == ledger.used_by_tenant(TODAY, "shop") == Usage()
    ledger.forget_used(TODAY)
    assert ledger.used(yesterday, "d1") == ledger.used_by_tenant(yesterday, "bank") == Usage()
    assert ledger.used(TODAY, "d2") == Usage(2, 0)
    assert ledger.used(date(2026, 1, 3), "d1") == Usage()
