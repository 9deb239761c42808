"""Records become counters in which nothing names a file, a person, a host or a rule of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sampler.agent.tallying import Published, sketcher, tally
from sampler.limits import STATISTICS_CELLS_MAX_COUNT, STATISTICS_SKETCHES_MAX_COUNT
from sampler.model import ContentKind, ObjectRecord, ObjectState, Reason, Sampling
from sampler.model.statistics import ALL, Table
from sampler.runtime.places import shipped
from sampler.scan import RuleSettings

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PUBLISHED = Published(frozenset({"EICAR_Test_File", "PE_Plain"}), "sha256:0123456789abcdef")
RECORD = ObjectRecord(
    event_id="id-of-the-object",
    state=ObjectState.DELIVERED,
    created=NOON,
    updated=NOON,
    uid=1000,
    reason=Reason.DETECTION,
    path=b"/home/alice/secret.exe",
    sha256="ab" * 32,
    size=5000,
    mime_type="application/x-dosexec",
    detections=("Mine.About.Alice",),
    matches=(("EICAR_Test_File", 3), ("Alice_Internal_Rule", 1), ("Another_Internal_Rule", 1)),
    sampling=Sampling.PARTS,
    kind=ContentKind.EXECUTABLE,
    ruleset_version=PUBLISHED.version,
)


def counted(*records: ObjectRecord) -> dict[tuple[Table, str], int]:
    return {(count.table, count.label): count.value for count in tally(DAY, records, PUBLISHED).counts}


def test_an_object_counts_once_in_each_table() -> None:
    """Day, rule, rule set, kind, reason, state, sampling and size, and nothing else of it."""
    assert counted(RECORD) == {
        (Table.OBJECTS, ALL): 1,
        (Table.BY_RULE, "EICAR_Test_File"): 1,
        (Table.BY_RULE, "local"): 1,
        (Table.BY_RULESET, PUBLISHED.version): 1,
        (Table.BY_KIND, "executable"): 1,
        (Table.BY_REASON, "detection"): 1,
        (Table.BY_STATE, "delivered"): 1,
        (Table.BY_SAMPLING, "parts"): 1,
        (Table.BY_SIZE, "4096"): 1,
    }


def test_nothing_of_the_object_is_in_it() -> None:
    """No identifier, path, hash, detection, user, and no rule of the host's own is written anywhere."""
    text = repr(tally(DAY, [RECORD], PUBLISHED))
    for secret in ("id-of-the-object", "alice", "secret", "abab", "Mine", "Alice_Internal", "1000", "5000", "dosexec"):
        assert secret not in text


def test_a_rule_set_of_ones_own_is_not_told() -> None:
    """Its version would be the same on no other host."""
    own = replace(RECORD, ruleset_version="sha256:of-this-host-only")
    never = replace(RECORD, ruleset_version="", kind=None, size=None, matches=())
    sums = counted(own, never)
    assert sums[Table.BY_RULESET, "local"] == sums[Table.BY_RULESET, "unknown"] == 1
    assert sums[Table.BY_KIND, "unknown"] == sums[Table.BY_SIZE, "unknown"] == 1


@pytest.mark.parametrize(
    ("size", "label"),
    [(0, "0"), (1, "1"), (2, "2"), (3, "2"), (4, "4"), (4095, "2048"), (4096, "4096"), (2**32, str(2**32))],
)
def test_sizes_are_told_by_powers_of_two(size: int, label: str) -> None:
    """The label is the largest power of two that is not larger."""
    assert counted(replace(RECORD, size=size))[Table.BY_SIZE, label] == 1


def test_partitions_add_up() -> None:
    """Each object is in one cell of each table that is a partition."""
    records = [RECORD, replace(RECORD, state=ObjectState.REFUSED, size=1), replace(RECORD, kind=None)]
    sums = counted(*records)
    for table in Table:
        if table.is_partition:
            assert sum(value for (of, _), value in sums.items() if of is table) == 3


def test_more_cells_than_are_kept() -> None:
    """The largest are kept."""
    many = Published(frozenset(f"Rule_{number}" for number in range(5000)), "v")
    records = [replace(RECORD, matches=tuple((f"Rule_{number}", 1) for number in range(5000))), RECORD]
    kept = tally(DAY, records, many).counts
    assert len(kept) == STATISTICS_CELLS_MAX_COUNT
    assert kept[0].value == 2


def test_sketches_hold_what_the_queue_was_told() -> None:
    """Objects that were refused, withdrawn or never examined are in no sketch; rules of one's own have none."""
    sketch = sketcher(b"k" * 32, frozenset({Table.DISTINCT, Table.DISTINCT_BY_RULE}), PUBLISHED)
    told = [RECORD, replace(RECORD, state=ObjectState.DUPLICATE, sha256="cd" * 32), RECORD]
    untold = [
        replace(RECORD, state=state, sha256=f"{number:064x}")
        for number, state in enumerate(ObjectState)
        if state not in (ObjectState.DELIVERED, ObjectState.DUPLICATE)
    ]
    found = sketch([*told, *untold, replace(RECORD, sha256=None)])
    assert set(found) == {(Table.DISTINCT, ALL), (Table.DISTINCT_BY_RULE, "EICAR_Test_File")}
    assert {round(each.estimate()) for each in found.values()} == {2}
    assert sketch(untold) == {}


def test_only_tables_that_may_leave_are_sketched() -> None:
    """What the statement does not list is not even made."""
    assert sketcher(b"k", frozenset(), PUBLISHED)([RECORD]) == {}
    assert set(sketcher(b"k", frozenset({Table.DISTINCT}), PUBLISHED)([RECORD])) == {(Table.DISTINCT, ALL)}


def test_more_sketches_than_are_kept() -> None:
    """The one over all objects is among those that are."""
    many = Published(frozenset(f"Rule_{number}" for number in range(200)), "v")
    record = replace(RECORD, matches=tuple((f"Rule_{number}", 1) for number in range(200)))
    found = sketcher(b"k", frozenset({Table.DISTINCT, Table.DISTINCT_BY_RULE}), many)([record])
    assert len(found) == STATISTICS_SKETCHES_MAX_COUNT
    assert (Table.DISTINCT, ALL) in found


def test_published_are_the_rules_that_ship(tmp_path: Path) -> None:
    """Names come from the shipped folder; the version is that of a host with no rules beside them."""
    (tmp_path / "own.yar").write_text("rule Of_My_Own { condition: true }")
    (tmp_path / "broken.yar").write_text("this is no rule {")
    ship = Published.of(RuleSettings((shipped("rules"),)))
    both = Published.of(RuleSettings((shipped("rules"), tmp_path)))
    assert "EICAR_Test_File" in ship.names
    assert both.names - ship.names == {"Of_My_Own"}
    assert both.version != ship.version
    assert Published.of(RuleSettings((shipped("rules"),))) == ship
