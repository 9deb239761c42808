from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sampler.model import Conclusion
from sampler.queue import rollups
from sampler.queue.retention_rules import Facts
from sampler.queue.rollups import Count, Rollup
from sampler.wire.rollup_messages import Dimension

NOW = datetime(2026, 1, 2, 23, 59, tzinfo=UTC)
FACTS = Facts(NOW, "d", "bank", "detection", "text/plain", "eu", rules=("A", "B"), bytes=7)


def _cell(dimension: Dimension, label: str) -> Rollup:
    return Rollup(NOW.date(), "bank", dimension, label)


def test_a_submission_counts_once_in_each_dimension() -> None:
    """With each of its rules, with what is not known as nothing, and with the bytes of its contents."""
    assert rollups.counted(FACTS) == dict.fromkeys(
        (
            _cell(Dimension.ALL, "all"),
            _cell(Dimension.TYPE, "text/plain"),
            _cell(Dimension.REASON, "detection"),
            _cell(Dimension.REGION, "eu"),
            _cell(Dimension.VERDICT, "none"),
            _cell(Dimension.RULE, "A"),
            _cell(Dimension.RULE, "B"),
        ),
        Count(1, 7),
    )
    bare = {cell.dimension: cell.label for cell in rollups.counted(Facts(NOW, "d", "bank"))}
    assert bare == {**dict.fromkeys(Dimension, "none"), Dimension.ALL: "all"}


def test_a_name_that_is_no_word_is_not_kept() -> None:
    """What a host writes as a rule's name cannot be a sentence about somebody."""
    odd = replace(FACTS, rules=("found by John Doe", "x" * 129, "Süß"), reason="")
    assert {cell.label for cell in rollups.counted(odd) if cell.dimension is Dimension.RULE} == {"other"}


def test_a_verdict_moves_a_submission() -> None:
    """Out of the cell that it was in and into the other; the same verdict moves nothing."""
    concluded = replace(FACTS, conclusion=Conclusion.MALICIOUS)
    assert rollups.moved(concluded, None) == {
        _cell(Dimension.VERDICT, "none"): Count(-1, -7),
        _cell(Dimension.VERDICT, "malicious"): Count(1, 7),
    }
    assert rollups.moved(concluded, Conclusion.MALICIOUS) == {}


def test_small_numbers_of_a_day_that_is_over_go_into_one() -> None:
    """Names with few submissions lose their names, and nothing is lost of the sum."""
    cells = {
        _cell(Dimension.ALL, "all"): Count(3, 3),
        _cell(Dimension.RULE, "A"): Count(4, 40),
        _cell(Dimension.RULE, "B"): Count(1, 10),
        _cell(Dimension.RULE, "C"): Count(5, 50),
        _cell(Dimension.VERDICT, "none"): Count(2, 2),
    }
    assert rollups.folded(cells) == {
        _cell(Dimension.RULE, "A"): Count(-4, -40),
        _cell(Dimension.RULE, "B"): Count(-1, -10),
        _cell(Dimension.RULE, "other"): Count(5, 50),
    }


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), max_size=8), st.integers(0, 9), st.integers(-2, 9)
)
def test_what_has_no_room_counts_together(counts: dict[str, int], known: int, room: int) -> None:
    """A cell that is there takes what is its own; of new ones no more than there is room for, and the sum stays."""
    cells = {_cell(Dimension.RULE, label): Count(count, count) for label, count in counts.items()}
    there = list(cells)[:known]
    placed = rollups.within(cells, there, room)
    assert sum(count.objects for count in placed.values()) == sum(counts.values())
    assert len(placed.keys() - set(there) - {_cell(Dimension.RULE, "other")}) <= max(room, 0)
    assert all(placed[cell] == cells[cell] for cell in there)
