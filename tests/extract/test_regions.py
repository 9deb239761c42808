from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import Extraction, find_regions
from sampler.extract.extraction import Survey
from sampler.limits import REGIONS_MAX_COUNT
from sampler.model import ContentKind, PartKind, Region


def test_unknown_format_has_header_and_tail() -> None:
    """The first and the last 4 KiB of a format that no reader knows are header and tail."""
    found = find_regions(b"\x00" * 10_000, ContentKind.OTHER, "application/octet-stream")
    assert set(found.regions) == {
        Region(PartKind.HEADER, "", 0, 4096),
        Region(PartKind.WINDOW, "highest", 4096, 4096),
        Region(PartKind.TAIL, "", 5904, 4096),
    }
    assert found.problems == ()


def test_short_object_is_its_own_header_and_tail() -> None:
    """An object shorter than 4 KiB is both header and tail."""
    found = find_regions(b"#!/bin/sh\n", ContentKind.SCRIPT, "text/x-shellscript")
    assert set(found.regions) == {Region(PartKind.HEADER, "", 0, 10), Region(PartKind.TAIL, "", 0, 10)}


def test_empty_object_has_nothing() -> None:
    """An empty object has no regions, no fields and no problems."""
    assert find_regions(b"", ContentKind.EMPTY, "application/x-empty") == Extraction()


@given(
    magic=st.sampled_from([b"", b"MZ", b"\x7fELF", b"\x7fELF\x01\x01\x01", b"\x7fELF\x02\x02\x01", b"MZ" + b"\0" * 58]),
    rest=st.binary(max_size=600),
)
def test_any_bytes_yield_regions_inside_them(magic: bytes, rest: bytes) -> None:
    """No content whatever raises, and every region lies inside it."""
    data = magic + rest
    for region in find_regions(data, ContentKind.OTHER, "application/octet-stream").regions:
        assert region.length > 0
        assert region.offset + region.length <= len(data)


def test_only_so_many_regions_and_problems_are_kept() -> None:
    """Past the ceilings regions are dropped with a problem, and problems are counted."""
    survey = Survey(10)
    for index in range(REGIONS_MAX_COUNT + 5):
        survey.add_region(PartKind.SECTION, str(index), 0, 1)
    for index in range(200):
        survey.add_problem("code", str(index))
    result = survey.result()
    assert len(result.regions) == REGIONS_MAX_COUNT
    assert len(result.problems) == 64
    assert [(problem.code, problem.detail) for problem in result.problems[-2:]] == [
        ("too-many-regions", f"only the first {REGIONS_MAX_COUNT} are kept, 5 are not"),
        ("more-problems", "138 further ones"),
    ]


def test_a_region_outside_is_dropped_with_a_problem() -> None:
    """A range that begins behind the object's end is no region; one that ends there is shortened."""
    survey = Survey(10)
    survey.add_region(PartKind.SECTION, "far", 10, 1)
    survey.add_region(PartKind.SECTION, "long", 4, 100)
    survey.add_region(PartKind.SECTION, "none", 4, 0)
    result = survey.result()
    assert result.regions == (Region(PartKind.SECTION, "long", 4, 6),)
    assert [problem.code for problem in result.problems] == ["range-outside", "range-outside"]
