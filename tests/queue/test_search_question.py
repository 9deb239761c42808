from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import RequestError
from sampler.queue import search_terms as t
from sampler.queue.search_question import NUMBER_MAX, START, Condition, Cursor, cursor_of, ordered, question_of
from sampler.wire.search_messages import SearchRequest, Where

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("how", "value", "meets"),
    [
        ("is", "b", True),
        ("is", "ab", False),
        ("begins", "b", True),
        ("begins", "bb", False),
        ("at_least", "9", True),
        ("at_least", "10.5", True),
        ("at_least", "11", False),
        ("at_most", "10.4", False),
        ("at_most", "2026-01-02", True),
    ],
)
def test_one_of_the_values_has_to_meet_it(how: str, value: str, meets: bool) -> None:
    """Numbers are compared as numbers, everything else as text."""
    values = {"is": ["a", "b"], "begins": ["a", "b"], "at_least": ["1", "10.5"]}.get(
        how, ["10.5", "2026-01-01t00:00:00z"]
    )
    if how == "at_most" and value == "10.4":
        values = ["10.5"]
    assert Condition("x", how, value).holds({"x": values}) is meets
    assert not Condition("y", how, value).holds({"x": values})


def test_only_what_the_index_knows_narrows_it() -> None:
    """Exact values and beginnings of hashes, rules and names have numbers; comparisons have none."""
    asked = SearchRequest(
        hash="abcd",
        where=(
            Where(field="rule.name", how="begins", value="APT_"),
            Where(field="x.a", how="begins", value="abcd"),
            Where(field="x.b", how="at_least", value="1"),
            Where(field="x.c", value="V"),
            Where(field="x.c", value="v"),
        ),
    )
    assert question_of(asked, "bank").terms == (
        t.term_of("@tenant", "bank"),
        t.prefix_term_of("related.hash", "abcd"),
        t.prefix_term_of("rule.name", "apt_"),
        t.term_of("x.c", "v"),
    )


def test_a_whole_sha256_is_looked_up_and_a_shorter_hash_may_be_a_beginning() -> None:
    """An MD5 can be the beginning of something else."""
    whole, shorter = (question_of(SearchRequest(hash="a" * length), None).conditions[0] for length in (64, 32))
    assert (whole.how, shorter.how) == ("is", "begins")


def test_time_is_a_stretch_without_its_end() -> None:
    """From the first moment on, up to before the last."""
    question = question_of(SearchRequest(since=NOW, until=NOW + timedelta(hours=1)), None)
    assert [question.holds({}, NOW + timedelta(minutes=minutes)) for minutes in (-1, 0, 59, 60)] == [
        False, True, True, False,
    ]  # fmt: skip
    with pytest.raises(RequestError, match="until"):
        question_of(SearchRequest(since=NOW, until=NOW), None)


@given(st.integers(0, NUMBER_MAX), st.integers(0, 9999), st.text("0123456789ABCDEFT", max_size=72))
def test_cursors_come_back(number: int, distance: int, digest: str) -> None:
    """What an answer hands out is read as what it was."""
    cursor = Cursor(number, distance, digest) if digest else Cursor(number)
    assert cursor_of(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "x", "-1", "1.2", "1..2", "99999999999999999999", "1.a.2", "1.A.2\n"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Whatever somebody makes up."""
    with pytest.raises(RequestError):
        cursor_of(text)


def test_neighbours_go_on_where_a_page_ended() -> None:
    """The nearest first, beginning with the digest that the page ended in."""
    like = [(3, "B"), (0, "A"), (3, "A"), (7, "C")]
    assert ordered(like, START) == [(0, "A"), (3, "A"), (3, "B"), (7, "C")]
    assert ordered(like, Cursor(5, 3, "B")) == [(3, "B"), (7, "C")]
