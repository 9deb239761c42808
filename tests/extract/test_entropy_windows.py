from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import find_regions
from sampler.extract.entropy_windows import add_entropy_windows
from sampler.extract.extraction import Survey
from sampler.model import ContentKind, PartKind, Region
from sampler.runtime.byte_entropy import EntropyProfile

BLOCK = 4096


def windows(data: bytes) -> dict[str, Region]:
    regions = find_regions(data, ContentKind.OTHER, "application/octet-stream").regions
    return {region.name: region for region in regions if region.kind is PartKind.WINDOW}


def noise(blocks: int) -> bytes:
    return random.Random(blocks).randbytes(BLOCK * blocks)


def test_windows_lie_where_entropy_says() -> None:
    """Zeros, then text, then noise: the highest block, the lowest that is not flat, and the edge between."""
    data = b"\x01" + bytes(8 * BLOCK - 1) + b"some text of few letters.\n" * 1890 + noise(6) + bytes(2 * BLOCK)
    found = windows(data)
    assert set(found) == {"highest", "lowest", "steepest"}
    edge = 8 * BLOCK + 26 * 1890
    assert edge <= found["highest"].offset < len(data) - 2 * BLOCK
    assert 8 * BLOCK <= found["lowest"].offset < edge
    assert found["steepest"].offset == (8 + 12 + 6) * BLOCK - BLOCK // 2
    assert all(region.length == BLOCK for region in found.values())


def test_a_flat_object_has_no_lowest_and_no_edge() -> None:
    """Where everything is alike one window stands for it."""
    assert set(windows(bytes(10 * BLOCK))) == {"highest"}


def test_header_and_tail_are_enough_for_short_objects() -> None:
    """Without a block between the first and the last there are no windows."""
    assert windows(noise(2)) == {}
    assert set(windows(noise(3))) == {"highest"}


def test_known_formats_have_no_windows() -> None:
    """A format that a reader knows is cut by its structure."""
    assert windows(b"\x7fELF\x02\x01\x01" + noise(4)) == {}


@given(size=st.integers(0, 40 * BLOCK), blocks=st.data())
def test_windows_lie_inside_and_are_the_same_each_time(size: int, blocks: st.DataObject) -> None:
    """Whatever the profile, windows lie inside the object, and the same profile has the same windows."""
    count = -(-size // BLOCK)
    profile = EntropyProfile(BLOCK, tuple(blocks.draw(st.lists(st.floats(0, 8), min_size=count, max_size=count))))
    surveys = [Survey(size), Survey(size)]
    for survey in surveys:
        add_entropy_windows(survey, profile)
    first, second = (survey.result() for survey in surveys)
    assert first == second
    assert first.problems == ()
    assert len(first.regions) <= 3
