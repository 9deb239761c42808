from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import choose_parts, plan_parts, planning
from sampler.limits import PARTS_MAX_COUNT, PARTS_MAX_TOTAL_BYTES
from sampler.model import (
    Ask,
    ContentKind,
    Examination,
    Omission,
    Part,
    PartKind,
    Plan,
    Region,
    RuleMatch,
    Sampling,
    StringHit,
)

MIB = 1024 * 1024


def place_digest(offset: int, length: int) -> str:
    return f"{offset:032x}{length:032x}"


def digest(region: Region) -> str:
    return place_digest(region.offset, region.length)


def examination(*regions: Region, matches: tuple[RuleMatch, ...] = ()) -> Examination:
    return Examination(
        "0" * 64, ContentKind.EXECUTABLE, "application/x-dosexec", "sha256:0", matches=matches, regions=regions
    )


def rule(name: str, *hits: tuple[str, int, int], total: int | None = None) -> RuleMatch:
    found = tuple(StringHit(*hit) for hit in hits)
    return RuleMatch(name, "rules.yar", hits=found, hits_total=len(found) if total is None else total)


def plan(ask: Ask, found: Examination, size: int = 100_000) -> Plan:
    return plan_parts(choose_parts(ask, found, size), digest)


def titles(made: Plan) -> list[tuple[str, str]]:
    return [(part.kind.value, part.name) for part in made.parts]


HEADER = Region(PartKind.HEADER, "", 0, 1024)
TEXT = Region(PartKind.SECTION, ".text", 1024, 4096)
DATA = Region(PartKind.SECTION, ".data", 5120, 2048)
ENTRY = Region(PartKind.ENTRY_POINT, "", 1500, 2048)
MANIFEST = Region(PartKind.RESOURCE, "RT_MANIFEST/1/1033", 8000, 300)
ICON = Region(PartKind.RESOURCE, "RT_ICON/1/0", 8300, 300)
OVERLAY = Region(PartKind.OVERLAY, "", 9000, 91_000)
EVERYTHING = (HEADER, TEXT, DATA, ENTRY, MANIFEST, ICON, OVERLAY)


@pytest.mark.parametrize("sampling", [Sampling.NONE, Sampling.METADATA, Sampling.WHOLE])
def test_only_parts_have_parts(sampling: Sampling) -> None:
    """An object that is asked for whole, or as metadata only, or not at all, has no parts and nothing is hashed."""
    choice = choose_parts(Ask(sampling, ("header",)), examination(*EVERYTHING), 100_000)
    made = plan_parts(choice, lambda _: pytest.fail("hashed"))
    assert made == Plan(sampling)


def test_without_selectors_the_telling_parts_are_taken() -> None:
    """Header, entry point, overlay and match windows are what parts mean when nobody says more."""
    found = examination(*EVERYTHING, matches=(rule("r", ("$a", 6000, 10)),))
    made = plan(Ask(Sampling.PARTS, context_bytes=100), found)
    assert titles(made) == [("header", ""), ("entry_point", ""), ("match", "$a"), ("overlay", "")]
    assert made.omissions == ()


def test_a_part_says_where_it_lies_and_what_it_hashes_to() -> None:
    """Offset and length are the region's, and the hash is of exactly those bytes."""
    made = plan(Ask(Sampling.PARTS, ("section:.data",)), examination(*EVERYTHING))
    assert made.parts == (Part(PartKind.SECTION, ".data", 5120, 2048, place_digest(5120, 2048)),)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("section", [".text", ".data"]),
        ("section:.text", [".text"]),
        ("resource", ["RT_MANIFEST/1/1033", "RT_ICON/1/0"]),
        ("resource:RT_MANIFEST", ["RT_MANIFEST/1/1033"]),
        ("resource:MANIFEST", ["RT_MANIFEST/1/1033"]),
        ("resource:RT_ICON/1/0", ["RT_ICON/1/0"]),
        ("overlay", [""]),
    ],
)
def test_selectors_mean_their_regions(selector: str, names: list[str]) -> None:
    """A kind means all its regions, a kind with a name those of that name, a resource type all of that type."""
    made = plan(Ask(Sampling.PARTS, (selector,)), examination(*EVERYTHING))
    assert [part.name for part in made.parts] == names
    assert made.omissions == ()


def test_what_the_object_lacks_is_an_omission() -> None:
    """A selector that finds nothing is named, and so is one that does not exist."""
    made = plan(
        Ask(Sampling.PARTS, ("certificate", "section:.nope", "matches", "sektion", "header:")), examination(*EVERYTHING)
    )
    assert made.parts == ()
    assert set(made.omissions) == {
        Omission("certificate", "the object has none"),
        Omission("section:.nope", "the object has none"),
        Omission("matches", "the object has none"),
        Omission("sektion", "there is no such selector"),
        Omission("header:", "there is no such selector"),
    }


def test_identical_ranges_are_taken_once() -> None:
    """Header and tail of a short object are one part."""
    short = (Region(PartKind.HEADER, "", 0, 10), Region(PartKind.TAIL, "", 0, 10))
    made = plan(Ask(Sampling.PARTS, ("header", "tail")), examination(*short), 10)
    assert titles(made) == [("header", "")]


def test_windows_that_touch_are_one() -> None:
    """Windows that overlap or touch are merged under both identifiers; those that do not stay apart."""
    found = examination(matches=(rule("r", ("$b", 120, 10), ("$a", 100, 10), ("$c", 160, 5)),))
    made = plan(Ask(Sampling.PARTS, ("matches",), 5), found)
    assert [(part.name, part.offset, part.length) for part in made.parts] == [("$a,$b", 95, 40), ("$c", 155, 15)]


def test_ranges_of_a_child_that_lies_are_refused() -> None:
    """A region or hit outside the object is not cut but named."""
    found = examination(Region(PartKind.SECTION, ".x", 90, 20), matches=(rule("r", ("$a", 500, 10)),))
    made = plan(Ask(Sampling.PARTS, ("section", "matches")), found, 100)
    assert made.parts == ()
    assert set(made.omissions) == {
        Omission("section:.x", "lies outside the object"),
        Omission("matches:r", "string hits lie outside the object"),
    }


def test_hits_that_the_scan_did_not_keep_are_named() -> None:
    """Where a rule had more string hits than were kept, the plan says so."""
    found = examination(matches=(rule("noisy", ("$a", 10, 4), total=9000),))
    made = plan(Ask(Sampling.PARTS, ("matches",)), found)
    assert len(made.parts) == 1
    assert made.omissions == (Omission("matches:noisy", "further string hits were counted and not kept"),)


def test_small_telling_parts_go_before_large_ones() -> None:
    """When the bytes do not suffice, the largest part is left out by name and the smaller ones behind it still go."""
    size = 200 * MIB
    regions = (
        HEADER,
        Region(PartKind.SECTION, ".big", 1024, 60 * MIB),
        Region(PartKind.SECTION, ".wanted", 100 * MIB, 40 * MIB),
        Region(PartKind.OVERLAY, "", 150 * MIB, 20 * MIB),
    )
    made = plan(Ask(Sampling.PARTS, ("header", "section", "section:.wanted", "overlay")), examination(*regions), size)
    assert titles(made) == [("header", ""), ("section", ".wanted"), ("overlay", "")]
    assert [omission.what for omission in made.omissions] == ["section:.big"]


def test_only_so_many_parts_and_omissions() -> None:
    """Past the ceiling of parts the rest is left out: some by name, all of them counted."""
    regions = tuple(Region(PartKind.SECTION, f".s{index}", 10 * index, 10) for index in range(1000))
    made = plan(Ask(Sampling.PARTS, ("section",)), examination(*regions))
    assert len(made.parts) == PARTS_MAX_COUNT
    named = [omission for omission in made.omissions if omission.what.startswith("section:")]
    counted = made.omissions[len(named) :]
    assert len(named) == planning.OMISSIONS_MAX_COUNT
    left = 1000 - PARTS_MAX_COUNT - len(named)
    assert counted == (Omission("section", f"{left} further ones are left out"),)


SIZE = 5000
_hits = st.tuples(st.sampled_from(["$a", "$b", "$c"]), st.integers(0, SIZE - 1), st.integers(0, 300))
_rules = st.lists(st.lists(_hits, max_size=8), max_size=6).map(
    lambda rules: tuple(rule(f"r{index}", *hits) for index, hits in enumerate(rules))
)
_regions = st.lists(
    st.builds(
        Region, st.sampled_from(sorted(set(PartKind) - {PartKind.MATCH})), st.sampled_from(["", ".text"]),
        st.integers(0, SIZE + 50), st.integers(0, SIZE + 50),
    ),
    max_size=20,
)  # fmt: skip
_selectors = st.lists(
    st.sampled_from(["header", "section", "section:.text", "overlay", "tail", "matches", "resource:ICON", "nonsense"]),
    max_size=5,
)


@given(rules=_rules, regions=_regions, selectors=_selectors, context=st.integers(0, 200), seed=st.integers(0, 2**32))
def test_a_plan_keeps_its_promises(
    rules: tuple[RuleMatch, ...], regions: list[Region], selectors: list[str], context: int, seed: int
) -> None:
    """Parts lie inside, come once, keep the ceilings; windows stay apart and cover every hit; order is no matter."""
    ask = Ask(Sampling.PARTS, tuple(selectors), context)
    made = plan(ask, examination(*regions, matches=rules), SIZE)

    places = [(part.offset, part.length) for part in made.parts]
    assert all(length > 0 and offset + length <= SIZE for offset, length in places)
    assert len(set(places)) == len(places) <= PARTS_MAX_COUNT
    assert sum(length for _, length in places) <= PARTS_MAX_TOTAL_BYTES
    assert all(part.sha256 == place_digest(part.offset, part.length) for part in made.parts)

    windows = sorted((part.offset, part.offset + part.length) for part in made.parts if part.kind is PartKind.MATCH)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(windows))
    if not selectors or "matches" in selectors:
        for hit in (hit for found in rules for hit in found.hits if hit.length):
            end = min(SIZE, hit.offset + hit.length)
            assert any(start <= hit.offset and end <= start + length for start, length in places), hit

    chance = random.Random(seed)
    shuffled = examination(*chance.sample(regions, len(regions)), matches=tuple(chance.sample(rules, len(rules))))
    assert plan(Ask(Sampling.PARTS, tuple(chance.sample(selectors, len(selectors))), context), shuffled, SIZE) == made


@given(sizes=st.lists(st.integers(1, 90 * MIB), min_size=1, max_size=12))
def test_everything_asked_for_is_a_part_or_an_omission(sizes: list[int]) -> None:
    """However large the sections are, the budget holds and each of them is taken or named."""
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    regions = [
        Region(PartKind.SECTION, f".s{index}", start, size)
        for index, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]
    made = plan(Ask(Sampling.PARTS, ("section",)), examination(*regions), sum(sizes))
    assert sum(part.length for part in made.parts) <= PARTS_MAX_TOTAL_BYTES
    taken = {f"section:{part.name}" for part in made.parts}
    left = {omission.what for omission in made.omissions}
    assert taken | left == {f"section:{region.name}" for region in regions}
    assert not taken & left
