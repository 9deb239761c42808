"""What is shown of a day: held against an attacker who knows everything that is shown, and all but one cell."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.limits import STATISTICS_VALUE_MAX
from sampler.model import ContentKind, ObjectState, Reason
from sampler.model.statistics import ALL, Table
from sampler.queue import Cell
from sampler.queue.statistics_cells import merged, shown
from sampler.wire.sketches import Sketch
from sampler.wire.statistics_messages import StatisticsCell

K = 5


def cell(label: str, *values: int, table: Table = Table.BY_KIND, threshold: int = K, registers: bytes = b"") -> Cell:
    """A cell to which each host brought a value."""
    return Cell(table, label, len(values), sum(values), max(values), threshold, registers)


def labels(cells: Iterable[StatisticsCell]) -> set[str]:
    return {each.label for each in cells}


def low() -> float:
    return 1.0  # never rounds up


def test_fewer_hosts_than_the_threshold_show_nothing() -> None:
    """Four hosts under a threshold of five are shown to nobody, five are."""
    assert shown([cell(ALL, 3, 3, 3, 3, table=Table.OBJECTS)], low) == ()
    (five,) = shown([cell(ALL, 3, 3, 3, 3, 3, table=Table.OBJECTS)], low)
    assert (five.label, five.value, five.threshold) == (ALL, 15, K)


def test_one_host_is_not_most_of_a_number() -> None:
    """A number that one host makes up more than half of is about that host, however many are in it."""
    assert shown([cell(ALL, 100, 1, 1, 1, 1, 1, table=Table.OBJECTS)], low) == ()
    assert shown([cell(ALL, 5, 1, 1, 1, 1, 1, table=Table.OBJECTS)], low) != ()


def test_the_largest_threshold_holds() -> None:
    """A cell with one host whose owner asked for twenty waits for twenty."""
    asked = merged(cell(ALL, 3, 3, 3, 3, 3, table=Table.OBJECTS), cell(ALL, 3, table=Table.OBJECTS, threshold=20))
    assert (asked.hosts, asked.threshold) == (6, 20)
    assert shown([asked], low) == ()


def test_all_but_one_cell_and_the_total_do_not_give_the_last() -> None:
    """With one cell kept back, the smallest other one is as well: the total less the rest is about at least k hosts."""
    few, some, many = cell("mail", 2, 3), cell("script", *[1] * 6), cell("executable", *[4] * 30)
    total = cell(ALL, *[8] * 18, table=Table.OBJECTS)
    assert total.total > few.total + many.total
    kept = shown([few, some, many, total], low)
    assert labels(kept) == {ALL, "executable"}


def test_a_cell_that_would_give_one_host_away_takes_more_with_it() -> None:
    """What is kept back is kept back until no host is more than half of it together."""
    heavy = cell("mail", 50)
    others = [cell(kind, *[2] * 10) for kind in ("executable", "library", "script", "driver")]
    kept = shown([heavy, *others], low)
    assert labels(kept) < {"executable", "library", "script", "driver"}
    back = [each for each in others if each.label not in labels(kept)]
    assert 2 * (heavy.largest + sum(each.largest for each in back)) <= heavy.total + sum(each.total for each in back)


def test_where_nothing_can_hide_a_cell_nothing_is_shown_of_its_table() -> None:
    """A partition of one small and one large cell is not shown at all."""
    assert shown([cell("mail", 50), cell("script", *[1] * 10)], low) == ()


def test_tables_that_do_not_add_up_hide_nothing() -> None:
    """An object can match several rules or none: a rule that is kept back cannot be computed from the others."""
    rules = [cell("Rare_Rule", 1, table=Table.BY_RULE), cell("Common_Rule", *[2] * 9, table=Table.BY_RULE)]
    assert labels(shown(rules, low)) == {"Common_Rule"}


def test_labels_that_hosts_invent_do_not_hold_the_closing_up() -> None:
    """A day that is full of them is decided about in one pass: each cell is looked at a few times, not once for each
    other."""
    many = [cell(f"v{number}", *[1] * 5, table=Table.BY_RULESET) for number in range(30_000)]
    heavy = cell("one-host", 50_000, table=Table.BY_RULESET)
    kept = shown([*many, heavy], low)
    assert len(kept) == 13_333
    assert "one-host" not in labels(kept)


def test_rounding_is_right_on_average_and_to_multiples() -> None:
    """What is shown is one of the two next multiples of the threshold, so that one object more is not seen."""
    chance = random.Random(1).random
    values = [shown([cell(ALL, *[1] * 7, table=Table.OBJECTS)], chance)[0].value for _ in range(4000)]
    assert set(values) == {5, 10}
    assert abs(sum(values) / len(values) - 7) < 0.2


def test_one_host_that_joins_from_one_day_to_the_next_is_not_seen_for_certain() -> None:
    """Days with six and with seven hosts can show the same number, and how many hosts there are is never shown."""
    chance = random.Random(2).random

    def seen(hosts: int) -> set[int]:
        joined = [cell(ALL, *[3] * hosts, table=Table.OBJECTS)]
        return {each.value for _ in range(300) for each in shown(joined, chance)}

    assert seen(6) & seen(7) == {20}
    assert set(StatisticsCell.__struct_fields__) == {"table", "label", "value", "threshold"}


HOSTS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(list(ContentKind)), st.sampled_from(list(Reason)), st.sampled_from(list(ObjectState))
        ),
        max_size=8,
    ),
    min_size=1,
    max_size=14,
)


Members = dict[int, int]
"""What each host brought."""


def is_about_several(members: Members) -> bool:
    return len(members) >= K and 2 * max(members.values()) <= sum(members.values())


def brought_by(objects: list[tuple[str, str, str]]) -> Counter[tuple[Table, str]]:
    partitions = (Table.BY_KIND, Table.BY_REASON, Table.BY_STATE)
    cells = Counter(cell for each in objects for cell in zip(partitions, each, strict=True))
    return cells + Counter({(Table.OBJECTS, ALL): len(objects)})


@given(HOSTS)
@settings(max_examples=200, deadline=None)
def test_no_subtraction_of_what_is_shown_is_about_fewer_hosts(hosts: list[list[tuple[str, str, str]]]) -> None:
    """Whatever hosts report: what a table keeps back together is about k hosts, or all of the table is kept back."""
    sums: dict[tuple[Table, str], Cell] = {}
    members: dict[tuple[Table, str], Members] = {}
    for number, objects in enumerate(hosts):
        for key, value in brought_by(objects).items():
            sums[key] = merged(sums.get(key), Cell(*key, 1, value, value, K))
            members.setdefault(key, {})[number] = value
    kept = {(each.table, each.label) for each in shown(sums.values(), low)}
    assert all(is_about_several(members[key]) for key in kept)
    for table in {key[0] for key in kept if key[0].is_partition}:
        back = sum((Counter(members[key]) for key in sums if key[0] is table and key not in kept), Counter[int]())
        assert not back or is_about_several(back)


def sketch_of(*items: int) -> bytes:
    made = Sketch()
    for item in items:
        made.add(b"key", bytes((item,)))
    return made.encode()


def test_sketches_merge_to_the_union() -> None:
    """Five hosts with the same object are one distinct object; that no host outweighs the others is not asked."""
    joined = None
    for _ in range(K):
        joined = merged(joined, Cell(Table.DISTINCT, ALL, 1, 1, 1, K, sketch_of(7)))
    assert joined is not None
    assert (joined.hosts, joined.total) == (K, 1)
    assert len(shown([joined], low)) == 1
    assert merged(joined, Cell(Table.DISTINCT, ALL, 1, 2, 2, K, sketch_of(8, 9))).total == 3


@pytest.mark.parametrize("registers", [bytes([53]) * 4096, bytes([52]) * 4096])
def test_a_sketch_that_claims_everything_is_still_a_number(registers: bytes) -> None:
    """What a hostile host makes of its registers fits into the ledger."""
    full = Cell(Table.DISTINCT, ALL, 1, 5, 5, K, registers)
    assert merged(full, full).total == STATISTICS_VALUE_MAX
