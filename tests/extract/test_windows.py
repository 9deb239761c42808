from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.windows import Window, hits_of, windows_around
from sampler.limits import PART_NAME_MAX_CHARACTERS
from sampler.model import RuleMatch, StringHit


def match(*hits: StringHit) -> RuleMatch:
    return RuleMatch("r", "rules.yar", hits=hits, hits_total=len(hits))


def test_a_window_is_clipped_to_the_object() -> None:
    """Context does not reach before the first byte or behind the last."""
    hits = [StringHit("$a", 5, 10)]
    assert windows_around(hits, 100, 50) == [Window("$a", 0, 50)]
    assert windows_around(hits, 0, 50) == [Window("$a", 5, 10)]


def test_hits_without_bytes_or_outside_have_no_window() -> None:
    """A hit of no length has a window only when there is context; a hit behind the end has none."""
    assert windows_around([StringHit("$a", 5, 0)], 0, 50) == []
    assert windows_around([StringHit("$a", 5, 0)], 2, 50) == [Window("$a", 3, 4)]
    assert windows_around([StringHit("$a", 50, 4)], 10, 50) == []


def test_the_same_hit_of_two_rules_is_one_hit() -> None:
    """Two rules that share a string do not make its hit two."""
    assert hits_of([match(StringHit("$a", 5, 1)), match(StringHit("$a", 5, 1))]) == [StringHit("$a", 5, 1)]


def test_a_window_of_very_many_strings_has_a_bounded_name() -> None:
    """The identifiers of a window are cut where a part's name ends."""
    [window] = windows_around([StringHit(f"$string{index:03}", 5, 1) for index in range(200)], 0, 50)
    assert len(window.name) == PART_NAME_MAX_CHARACTERS


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=30), st.integers(0, 40), st.integers(1, 400)
)
def test_windows_cover_exactly_what_hits_and_context_reach(
    hits: list[tuple[int, int]], context: int, size: int
) -> None:
    """A byte is in a window just when a hit or its context reaches it, and no two windows touch."""
    found = hits_of([match(*(StringHit("$a", offset, length) for offset, length in hits))])
    windows = windows_around(found, context, size)
    reached = {
        place
        for offset, length in hits
        if offset < size
        for place in range(max(0, offset - context), min(size, offset + length + context))
    }
    covered = [place for window in windows for place in range(window.offset, window.offset + window.length)]
    assert covered == sorted(reached)
    assert all(later.offset > earlier.offset + earlier.length for earlier, later in itertools.pairwise(windows))
