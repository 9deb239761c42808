from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sampler.queue import Lane
from sampler.queue.fairness import turns

LANES = st.sets(st.builds(Lane, st.sampled_from(["x", "y"]), st.sampled_from(["a", "b", "c", "d"])), max_size=8)


@given(LANES, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_each_tenant_has_one_turn(lanes: set[Lane], chances: list[float]) -> None:
    """Whatever the draw, every lane comes once, with the others of its tenant."""
    left = iter(chances)
    dealt = list(turns(lanes, lambda: next(left)))
    assert sorted(lane for turn in dealt for lane in turn) == sorted(lanes)
    assert [len({lane.tenant for lane in turn}) for turn in dealt] == [1] * len({lane.tenant for lane in lanes})


def test_a_tenant_with_many_lanes_is_not_drawn_more_often() -> None:
    """Shares are the tenants', not those of their kinds of work."""
    lanes = [Lane(kind, "many") for kind in "abcdefgh"] + [Lane("a", "one")]
    chance = Random(1).random
    first = Counter(next(turns(lanes, chance))[0].tenant for _ in range(1000))
    assert abs(first["many"] - first["one"]) < 150
