from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.queue.search_tlsh import BANDS, COMPLETE_DISTANCE, Digest, nearest

ONE = "T16672D076FA21697913760FC14A311E32BB34D1224DB1BE64879C1EDF8C576943E131A2"
TWO = "T132E0A30821925E34124297B56C3614B9307B13CD82E14B9218D60CD1D9EB7CD56967A7"
_DIGESTS = st.binary(min_size=35, max_size=35).map(lambda data: f"T1{data.hex().upper()}")


def parsed(text: str) -> Digest:
    digest = Digest.parse(text)
    assert digest is not None
    return digest


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        # as the reference implementation (version 4) measures them
        (ONE, TWO, 535),
        (ONE, ONE, 0),
        (ONE, ONE[:2] + "00" + ONE[4:], 1),
        (ONE, ONE[:4] + "82" + ONE[6:], 1),
        (ONE, ONE[:4] + "92" + ONE[6:], 24),
        (ONE, ONE[:6] + "E0" + ONE[8:], 1),
        (ONE, ONE[:6] + "00" + ONE[8:], 24),
        (ONE, ONE[:-1] + "3", 1),
        (ONE, ONE[:-1] + "1", 1),
        (ONE, ONE[:-1] + "E", 6),
    ],
)
def test_distances_are_the_references(one: str, other: str, distance: int) -> None:
    """Checksum, length, ratios and codes each add what they add there."""
    assert parsed(one).distance(parsed(other)) == distance
    assert parsed(other).distance(parsed(one)) == distance


@given(_DIGESTS, _DIGESTS)
def test_a_distance_is_the_same_both_ways(one: str, other: str) -> None:
    """And nothing but a digest itself is at no distance."""
    apart = parsed(one).distance(parsed(other))
    assert apart == parsed(other).distance(parsed(one))
    assert (apart == 0) == (one == other)


@pytest.mark.parametrize(
    "text", ["", "T1", ONE[:-1], ONE + "0", "T2" + ONE[2:], ONE[2:], ONE.replace("6", "G"), "TNULL"]
)
def test_what_is_no_digest(text: str) -> None:
    """Whatever a host writes into the field."""
    assert Digest.parse(text) is None


def test_case_does_not_count() -> None:
    """A digest in lower case is the same one."""
    assert parsed(ONE.lower()) == parsed(ONE)


def test_bands_are_apart_from_each_other() -> None:
    """Each place has bands of its own, and a digest is found under its own bands."""
    digest = parsed(ONE)
    assert len(set(digest.bands())) == BANDS
    for band, probes in zip(digest.bands(), digest.probes(), strict=True):
        assert probes[0] == band
        assert len(set(probes)) == 25
        assert {probe >> 16 for probe in probes} == {band >> 16}


@settings(max_examples=300)
@given(_DIGESTS, st.randoms(use_true_random=False), st.integers(1, COMPLETE_DISTANCE))
def test_none_within_the_complete_distance_is_missed(text: str, chance: random.Random, places: int) -> None:
    """However the places that differ are spread, the probes of one meet a band of the other."""
    codes = bytearray.fromhex(text[2:])
    for place in chance.sample(range(128), places):
        step = 1 << 2 * (place % 4)
        codes[3 + place // 4] ^= step if chance.random() < 0.5 else 3 * step
    one, other = parsed(text), parsed(f"T1{codes.hex().upper()}")
    met = any(set(probes) & set(other.bands()) for probes in one.probes())
    assert met or one.distance(other) > COMPLETE_DISTANCE


@given(st.lists(_DIGESTS, max_size=5), _DIGESTS, st.integers(0, 400))
def test_what_is_passed_over_is_further_away(digests: list[str], text: str, within: int) -> None:
    """The nearest are those that a measurement of all would yield."""
    measured = [(parsed(text).distance(parsed(each)), each) for each in digests]
    assert nearest(parsed(text), digests, within) == [each for each in measured if each[0] <= within]


def test_the_nearest_of_many() -> None:
    """Those within a distance, with it; what is no digest is left out."""
    near = ONE[:-1] + "3"
    assert sorted(nearest(parsed(ONE), [TWO, near, ONE, "junk"], 30)) == [(0, ONE), (1, near)]
