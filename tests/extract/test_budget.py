from __future__ import annotations

from sampler.extract.budget import Budget
from sampler.limits import UNPACK_MEMBER_MAX_BYTES, UNPACK_RATIO_FROM_BYTES


def test_little_may_grow_a_lot_and_more_only_by_its_ratio() -> None:
    """A few packed bytes may become a megabyte; after that the ratio holds, and one member's ceiling above all."""
    budget = Budget()
    assert budget.room(1) == UNPACK_RATIO_FROM_BYTES
    assert budget.room(2_000) == 2_000_000
    assert budget.room(10**9) == UNPACK_MEMBER_MAX_BYTES


def test_what_was_unpacked_is_gone_for_all_that_follows() -> None:
    """Room is what the total leaves; when it is used up the budget is spent, and says of what."""
    budget = Budget(total_bytes=1_000)
    budget.pay(900)
    assert budget.room(10**6) == 100
    budget.pay(100)
    assert budget.room(10**6) == 0
    assert budget.spent == "more unpacked bytes than are looked at"


def test_members_are_counted_even_when_they_are_empty() -> None:
    """An archive of endless empty members ends as well."""
    budget = Budget(members=2)
    budget.pay(0)
    assert budget.spent is None
    budget.pay(0)
    assert (budget.room(5), str(budget.spent)) == (0, "more members than are looked at")


def test_time_runs_out() -> None:
    """After its seconds a budget is spent."""
    now = [100.0]
    budget = Budget(seconds=5, clock=lambda: now[0])
    assert budget.spent is None
    now[0] = 105.0
    assert (budget.room(5), str(budget.spent)) == (0, "out of time")
