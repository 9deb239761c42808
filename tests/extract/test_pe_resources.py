from __future__ import annotations

import struct
from collections.abc import Callable

import pefile
import pytest

from sampler.extract import Extraction, find_regions
from sampler.extract.pe_resources import ENTRIES_MAX_COUNT
from sampler.limits import REGIONS_MAX_COUNT
from sampler.model import ContentKind, PartKind, Region

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]

ADDRESS = 0x1000


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")


def resources_of(extraction: Extraction) -> list[Region]:
    return [region for region in extraction.regions if region.kind is PartKind.RESOURCE]


def codes(extraction: Extraction) -> set[str]:
    return {problem.code for problem in extraction.problems}


@pytest.fixture
def with_resources(pe: Build) -> Build:
    """Builds a PE around the bytes of a resource section."""

    def build(section: bytes) -> bytes:
        return pe(sections=[(b".rsrc", section)], entry=0, directories={2: (ADDRESS, len(section))})

    return build


def test_each_leaf_is_a_region_under_its_path(with_resources: Build, resources: Build) -> None:
    """Known types, unknown types and names in text are told apart, and each region holds its leaf's bytes."""
    tree = {24: {1: {1033: b"<assembly/>"}}, "PAYLOAD": {"first": {0: b"one" * 50}}, 999: {7: {1031: b"two"}}}
    file = with_resources(resources(tree, ADDRESS))
    found = survey(file)
    assert found.problems == ()
    contents = {region.name: file[region.offset : region.offset + region.length] for region in resources_of(found)}
    assert contents == {
        "RT_MANIFEST/1/1033": b"<assembly/>",
        "PAYLOAD/first/0": b"one" * 50,
        "999/7/1031": b"two",
    }
    assert len(pefile.PE(data=file).DIRECTORY_ENTRY_RESOURCE.entries) == 3


def test_hostile_names_are_escaped_and_bounded(with_resources: Build, resources: Build) -> None:
    """A resource's name cannot add levels, control a terminal, or be longer than a part's name may be."""
    found = survey(with_resources(resources({"a/b\x1b[0m": {"n" * 5000: {0: b"x"}}}, ADDRESS)))
    [region] = resources_of(found)
    kind, name, language = region.name.split("/")
    assert (kind, language) == (r"a\x2fb\x1b[0m", "0")
    assert 60 <= len(name) <= 64


def test_a_table_that_holds_itself_ends(with_resources: Build, inside: Inside) -> None:
    """A loop in the tree is walked three levels deep at most, a bounded number of times, and noted."""
    count = 3000
    table = struct.pack("<12xHH", 0, count) + b"".join(struct.pack("<II", index, 0x80000000) for index in range(count))
    file = with_resources(table)
    found = survey(file)
    inside(found, len(file))
    assert resources_of(found) == []
    assert "resource-tree" in codes(found)


def test_more_entries_than_the_ceiling_are_noted(with_resources: Build) -> None:
    """Of more entries than are looked at the first become regions, and what else is known of the file stays."""
    count = ENTRIES_MAX_COUNT + 100
    leaf = 16 + 8 * count
    table = struct.pack("<12xHH", 0, count) + b"".join(struct.pack("<II", index, leaf) for index in range(count))
    found = survey(with_resources(table + struct.pack("<IIII", ADDRESS, 4, 0, 0)))
    assert len(found.regions) == REGIONS_MAX_COUNT
    assert {PartKind.HEADER, PartKind.SECTION, PartKind.TAIL} <= {region.kind for region in found.regions}
    assert {"resource-tree", "too-many-regions"} <= codes(found)


@pytest.mark.parametrize("address", [0xFFFFFFFF, 0x900000, ADDRESS + 0x200])
def test_data_outside_is_noted(with_resources: Build, address: int) -> None:
    """A leaf whose data has no byte in the file is no region; the tree's other leaves stand."""
    table = struct.pack("<12xHHIIII", 0, 2, 1, 32, 2, 48)
    leaves = struct.pack("<IIII", address, 10, 0, 0) + struct.pack("<IIII", ADDRESS, 10, 0, 0)
    found = survey(with_resources(table + leaves))
    assert [region.name for region in resources_of(found)] == ["RT_BITMAP"]
    assert "resource-outside" in codes(found)


def test_lying_length_is_clipped(with_resources: Build, inside: Inside) -> None:
    """A leaf that claims four gigabytes ends where the file ends."""
    table = struct.pack("<12xHHII", 0, 1, 10, 24) + struct.pack("<IIII", ADDRESS, 0xFFFFFFFF, 0, 0)
    file = with_resources(table)
    found = survey(file)
    inside(found, len(file))
    assert [region.name for region in resources_of(found)] == ["RT_RCDATA"]
    assert "range-outside" in codes(found)


def test_a_root_outside_the_file_is_noted(pe: Build) -> None:
    """A resource directory that points nowhere costs a problem and nothing else."""
    found = survey(pe(directories={2: (0x900000, 100)}))
    assert "resource-tree" in codes(found)
    assert any(region.kind is PartKind.SECTION for region in found.regions)
