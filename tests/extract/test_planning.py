from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import choose_parts, plan_parts, planning
from sampler.limits import PARTS_MAX_COUNT, PARTS_MAX_TOTAL_BYTES, REGIONS_TAKEN_MAX_COUNT
from sampler.model import (
    Ask,
    ContentKind,
    Covered,
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


def places_in(part: Part) -> list[tuple[str, str, int, int]]:
    """What a part is and what it covers, with offsets in the whole."""
    covered = [(each.kind, each.name, part.offset + each.offset, each.length) for each in part.covers]
    return [(part.kind, part.name, part.offset, part.length), *covered]


HEADER = Region(PartKind.HEADER, "", 0, 1024)
TEXT = Region(PartKind.SECTION, ".text", 1024, 4096)
DATA = Region(PartKind.SECTION, ".data", 5120, 2048)
ENTRY = Region(PartKind.ENTRY_POINT, "", 1500, 2048)
MANIFEST = Region(PartKind.RESOURCE, "RT_MANIFEST/1/1033", 8000, 300)
ICON = Region(PartKind.RESOURCE, "RT_ICON/1/0", 8300, 300)
OVERLAY = Region(PartKind.OVERLAY, "", 9000, 91_000)
TEXT_OF_ALL = Region(PartKind.SECTION, ".all", 0, 9000)
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
    assert all(part.covers == () for part in made.parts)
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
    assert made.parts[0].covers == (Covered(PartKind.TAIL, "", 0, 10),)


def test_what_lies_inside_a_part_is_no_part_but_named() -> None:
    """An entry point inside a section that goes anyway is covered by it, with its place in that part."""
    made = plan(Ask(Sampling.PARTS, ("entry_point", "section:.text")), examination(*EVERYTHING))
    assert titles(made) == [("section", ".text")]
    assert made.parts[0].covers == (Covered(PartKind.ENTRY_POINT, "", 1500 - 1024, 2048),)
    assert made.omissions == ()


def test_what_overlaps_becomes_one_part() -> None:
    """A window across the edge of a section makes both one part, called as the larger, which covers the two."""
    found = examination(*EVERYTHING, matches=(rule("r", ("$a", 7160, 20)),))
    made = plan(Ask(Sampling.PARTS, ("section:.data", "matches"), 10), found)
    (part,) = made.parts
    assert (part.kind, part.name, part.offset, part.length) == (PartKind.SECTION, ".data", 5120, 2070)
    assert part.covers == (Covered(PartKind.SECTION, ".data", 0, 2048), Covered(PartKind.MATCH, "$a", 2030, 40))


def test_a_range_of_the_whole_is_a_stretch_of_it() -> None:
    """What a child calls a range of a range of the whole is cut from the snapshot, and covered as stretches are."""
    inner = Region(PartKind.MEMBER, "a", 0, 20, ("range:9000+500", "range:100+20"))
    made = plan(Ask(Sampling.PARTS, ("member",)), examination(inner))
    assert [(part.offset, part.length, part.recipe) for part in made.parts] == [(9100, 20, ())]
    both = plan(Ask(Sampling.PARTS, ("member", "overlay")), examination(inner, OVERLAY))
    assert both.parts[0].covers == (Covered(PartKind.MEMBER, "a", 100, 20),)


def test_what_cannot_be_derived_takes_what_it_covers_along() -> None:
    """Where a part's bytes cannot be had after all, it and all that lies in it are left out by name."""
    whole = Region(PartKind.MEMBER, "a", 0, 90, ("zip:0",))
    inside = Region(PartKind.OVERLAY, "a", 0, 10, ("zip:0", "range:80+10"))
    choice = choose_parts(Ask(Sampling.PARTS, ("member", "overlay")), examination(whole, inside), 100)
    made = plan_parts(choice, lambda _: Omission("member:a", "no child"))
    assert made == Plan(Sampling.PARTS, (), (Omission("member:a", "no child"), Omission("overlay:a", "no child")))


def test_regions_that_parts_cover_have_a_ceiling_too() -> None:
    """Past the ceiling of regions those inside a part are counted as not named."""
    regions = [Region(PartKind.RESOURCE, f"RT_ICON/{index}/0", 2 * index, 1) for index in range(4000)]
    made = plan(Ask(Sampling.PARTS, ("section", "resource")), examination(TEXT_OF_ALL, *regions))
    (part,) = made.parts
    assert len(part.covers) == REGIONS_TAKEN_MAX_COUNT - 1
    assert made.omissions[-1].reason.endswith("further ones are left out")


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
    """Parts lie inside, share no byte, keep the ceilings, cover every hit and region; order is no matter."""
    ask = Ask(Sampling.PARTS, tuple(selectors), context)
    made = plan(ask, examination(*regions, matches=rules), SIZE)

    places = [(part.offset, part.length) for part in made.parts]
    assert all(length > 0 and offset + length <= SIZE for offset, length in places)
    assert len(set(places)) == len(places) <= PARTS_MAX_COUNT
    assert sum(length for _, length in places) <= PARTS_MAX_TOTAL_BYTES
    assert all(part.sha256 == place_digest(part.offset, part.length) for part in made.parts)

    spans = sorted((offset, offset + length) for offset, length in places)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    left_out = {omission.what for omission in made.omissions}
    named = {place for part in made.parts for place in places_in(part)}
    for region in (region for region in regions if region.kind in selectors and region.length):
        place = (region.kind, region.name, region.offset, region.length)
        assert place in named or planning.title_of(region) in left_out, region
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
