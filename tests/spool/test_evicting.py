"""Who makes room: as few and as little as may be, nobody who is worth as much, and always the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import KIB, MIB
from sampler.spool import NeededContent, Newcomer, Resident, Scale, Worth, choose, own_points

MAX_BYTES = 10 * MIB
GROUPS = ["trojan", "adware", "user 1000"]
severities = st.integers(0, 100)
worths = st.builds(Worth, st.sampled_from(GROUPS), severities)
seen = st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 10_000))
shortages = st.integers(1, 2 * MIB)


@st.composite
def residents(draw: st.DrawFn) -> tuple[Resident, ...]:
    """What waits in one spool; some contents are shared, and of those all who need them are there."""
    sizes = draw(st.lists(st.integers(0, MIB), min_size=1, max_size=6))
    needs = draw(st.lists(st.sets(st.integers(0, len(sizes) - 1), max_size=3), max_size=12))
    users = Counter(content for each in needs for content in each)
    return tuple(
        Resident(
            event_id=str(number),
            number=number,
            worth=draw(worths),
            manifest_bytes=draw(st.integers(1, 4 * KIB)),
            contents=tuple(NeededContent(str(each), sizes[each], users[each]) for each in sorted(need)),
        )
        for number, need in enumerate(needs)
    )


def scale_of(waiting: Iterable[Resident], counts: dict[str, int]) -> Scale:
    shares: Counter[str] = Counter()
    for each in waiting:
        shares[each.worth.group] += each.size_bytes
    return Scale(MAX_BYTES, dict(shares), counts)


def freed_bytes(going: Iterable[Resident], pinned: set[str]) -> int:
    """What becomes free when exactly these end: counted anew, from what is left."""
    ends = Counter(content.sha256 for each in going for content in each.contents)
    unneeded = {c.sha256: c.size for each in going for c in each.contents if ends[c.sha256] == c.needed_by}
    manifests = sum(each.manifest_bytes for each in going)
    return manifests + sum(size for sha256, size in unneeded.items() if sha256 not in pinned)


newcomers = st.builds(Newcomer, worths, st.integers(0, 2 * MIB))
pins = st.sets(st.sampled_from(["0", "1"]))


@given(residents(), newcomers, shortages, seen, pins)
def test_enough_or_nobody(
    waiting: tuple[Resident, ...], newcomer: Newcomer, shortage: int, counts: dict[str, int], pinned: set[str]
) -> None:
    """Whoever goes, enough becomes free, though contents are shared or held; otherwise nobody goes."""
    going = choose(waiting, newcomer, shortage, scale_of(waiting, counts), pinned)
    assert not going or freed_bytes(going, pinned) >= shortage
    assert len({each.event_id for each in going}) == len(going)
    assert set(going) <= set(waiting)


@given(residents(), newcomers, shortages, seen)
def test_nobody_goes_in_vain(
    waiting: tuple[Resident, ...], newcomer: Newcomer, shortage: int, counts: dict[str, int]
) -> None:
    """Without any one of those that go there would be too little room."""
    going = choose(waiting, newcomer, shortage, scale_of(waiting, counts), set())
    for each in going:
        assert freed_bytes([other for other in going if other is not each], set()) < shortage


@given(residents(), newcomers, shortages, seen)
def test_only_for_what_is_worth_more(
    waiting: tuple[Resident, ...], newcomer: Newcomer, shortage: int, counts: dict[str, int]
) -> None:
    """Within its own group nobody goes who is as grave and small; of another one, who is worth as much at its worst."""
    scale = scale_of(waiting, counts)
    best = scale.points(newcomer.worth, newcomer.size_bytes, newcomer.size_bytes)
    for each in choose(waiting, newcomer, shortage, scale, set()):
        if each.worth.group == newcomer.worth.group:
            assert own_points(each.worth, each.size_bytes) < own_points(newcomer.worth, newcomer.size_bytes)
        else:
            assert scale.points(each.worth, each.size_bytes, scale.waiting_bytes[each.worth.group]) < best


@given(residents(), newcomers, shortages, seen, st.randoms(use_true_random=False))
def test_the_order_of_asking_means_nothing(
    waiting: tuple[Resident, ...], newcomer: Newcomer, shortage: int, counts: dict[str, int], dice: random.Random
) -> None:
    """The same spool lets the same ones go, in whatever order it is read."""
    shuffled = list(waiting)
    dice.shuffle(shuffled)
    scale = scale_of(waiting, counts)
    assert choose(shuffled, newcomer, shortage, scale, set()) == choose(waiting, newcomer, shortage, scale, set())


@given(residents(), newcomers, shortages, seen, st.data())
def test_graver_never_hurts(
    waiting: tuple[Resident, ...], newcomer: Newcomer, shortage: int, counts: dict[str, int], data: st.DataObject
) -> None:
    """What stays would stay all the more if it were graver."""
    scale = scale_of(waiting, counts)
    stays = [each for each in waiting if each not in choose(waiting, newcomer, shortage, scale, set())]
    if not stays:
        return
    lucky = data.draw(st.sampled_from(stays))
    graver = replace(lucky, worth=replace(lucky.worth, severity=data.draw(st.integers(lucky.worth.severity, 100))))
    others = tuple(graver if each is lucky else each for each in waiting)
    assert graver not in choose(others, newcomer, shortage, scale, set())


def _plain(number: int, group: str, severity: int, size: int) -> Resident:
    return Resident(str(number), number, Worth(group, severity), 0, (NeededContent(f"c{number}", size, 1),))


def test_a_group_that_floods_makes_room_for_itself() -> None:
    """Nine tenths of a spool full of one rule's critical finds: they go before the one find of another."""
    flood = [_plain(number, "flood", 100, 900 * KIB) for number in range(9)]
    rare = _plain(99, "rare", 25, 900 * KIB)
    waiting = (*flood, rare)
    scale = scale_of(waiting, {"flood": 100_000, "rare": 0})
    going = choose(waiting, Newcomer(Worth("other", 50), MIB), MIB, scale, set())
    assert {each.worth.group for each in going} == {"flood"}
    assert len(going) == 2


def test_within_a_group_the_graver_one_gets_in() -> None:
    """However much of the spool a group has, its grave finds drive out its harmless ones, and never the reverse."""
    harmless, grave = _plain(0, "user 0", 0, 6 * MIB), Newcomer(Worth("user 0", 50), 6 * MIB)
    assert choose([harmless], grave, MIB, scale_of([harmless], {"user 0": 9}), set()) == (harmless,)
    resident, newcomer = _plain(0, "user 0", 50, 6 * MIB), Newcomer(Worth("user 0", 0), 6 * MIB)
    assert choose([resident], newcomer, MIB, scale_of([resident], {"user 0": 9}), set()) == ()


def test_who_is_next_to_be_delivered_stays() -> None:
    """Of the same worth, the one goes that came last."""
    waiting = tuple(_plain(number, "rule", 10, 4 * KIB) for number in range(3))
    (going,) = choose(waiting, Newcomer(Worth("other", 100), 0), 1, scale_of(waiting, {}), set())
    assert going.number == 2


def test_what_is_held_frees_nothing() -> None:
    """An object whose contents stay whoever goes is no help."""
    only = _plain(0, "rule", 0, MIB)
    newcomer = Newcomer(Worth("other", 100), 0)
    assert choose([only], newcomer, KIB, scale_of([only], {}), {"c0"}) == ()
    assert choose([only], newcomer, KIB, scale_of([only], {}), set()) == (only,)
