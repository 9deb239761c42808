from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.overlaps import Piece, Pieces, Place, place_of
from sampler.model import ContentKind, Covered, PartKind, Region


def made_of(regions: Sequence[Region]) -> tuple[Pieces, list[Piece]]:
    pieces = Pieces()
    for region in regions:
        pieces.add(region)
    return pieces, list(pieces.result(10_000))


def test_the_place_of_ranges_of_ranges_is_added_up() -> None:
    """Ranges at the end of a recipe are an offset into what stands before them; others are steps like any."""
    region = Region(PartKind.BLOB, "", 0, 3, ("zip:1", "range:10+90", "range:5+3"))
    assert place_of(region) == Place(("zip:1",), 15, 18)
    assert place_of(Region(PartKind.BLOB, "", 0, 3, ("range:10+90", "zip:1"))) == Place(("range:10+90", "zip:1"), 0, 3)
    assert place_of(Region(PartKind.TAIL, "", 7, 3)) == Place((), 7, 10)


def test_derived_stretches_inside_a_derived_whole_are_covered() -> None:
    """A stretch of a member is no content of its own where the member goes."""
    member = Region(PartKind.MEMBER, "a", 0, 100, ("zip:1",))
    overlay = Region(PartKind.OVERLAY, "a", 0, 20, ("zip:1", "range:80+20"))
    for order in ((member, overlay), (overlay, member)):
        pieces, made = made_of(order)
        assert made == [Piece(member, (Covered(PartKind.OVERLAY, "a", 80, 20),))]
        assert (pieces.count, pieces.total_bytes) == (1, 100)


def test_derived_stretches_that_overlap_are_one_range() -> None:
    """Two stretches of a member become the range that spans them, by a recipe that can be replayed."""
    one = Region(PartKind.SLICE, "x", 0, 20, ("fat:0", "range:10+20"))
    two = Region(PartKind.BLOB, "y", 0, 15, ("fat:0", "range:25+15"))
    _, made = made_of((one, two))
    (piece,) = made
    assert piece.region == Region(PartKind.SLICE, "x", 0, 30, ("fat:0", "range:10+30"))
    assert piece.covers == (Covered(PartKind.SLICE, "x", 0, 20), Covered(PartKind.BLOB, "y", 15, 15))


def test_stretches_that_touch_stay_apart() -> None:
    """Neighbours without a byte in common are two contents."""
    _, made = made_of((Region(PartKind.SECTION, "a", 0, 10), Region(PartKind.SECTION, "b", 10, 10)))
    assert [piece.region.name for piece in made] == ["a", "b"]
    assert all(piece.covers == () for piece in made)


_bases = st.sampled_from([(), ("zip:0",), ("zip:1",)])
_regions = st.lists(
    st.builds(
        lambda name, start, length, base: Region(PartKind.BLOB, name, 0, length, (*base, f"range:{start}+{length}")),
        st.sampled_from("abc"), st.integers(0, 200), st.integers(1, 60), _bases,
    ),
    max_size=24,
)  # fmt: skip


_kinds = st.sampled_from([None, None, ContentKind.EXECUTABLE, ContentKind.DOCUMENT])


@given(regions=_regions, kinds=st.lists(_kinds, min_size=24, max_size=24))
def test_files_that_are_cut_out_keep_the_bytes(regions: list[Region], kinds: list[ContentKind | None]) -> None:
    """Whatever is a file: pieces hold each byte once, and a safe kind is only said of bytes of such a file."""
    regions = [replace(region, content=kind) for region, kind in zip(regions, kinds, strict=False)]
    _, made = made_of(regions)
    places = [place_of(piece.region) for piece in made]
    bytes_of = [(place.base, byte) for place in places for byte in range(*place_span(place))]
    wanted = {(place.base, byte) for place in map(place_of, regions) for byte in range(*place_span(place))}
    assert len(bytes_of) == len(set(bytes_of))
    assert set(bytes_of) == wanted
    programs = [place_of(region) for region in regions if region.content is ContentKind.EXECUTABLE]
    told = {(place.base, byte) for place in programs for byte in range(*place_span(place))}
    for piece, place in zip(made, places, strict=True):
        if piece.region.content is ContentKind.EXECUTABLE:
            assert {(place.base, byte) for byte in range(*place_span(place))} <= told


@given(regions=_regions)
def test_pieces_hold_each_byte_once_and_every_region(regions: list[Region]) -> None:
    """The bytes of the pieces are the union of the regions' bytes, counted as they grow; each region is named."""
    pieces, made = made_of(regions)
    bytes_of = [
        (place.base, byte) for place in (place_of(piece.region) for piece in made) for byte in range(*place_span(place))
    ]
    wanted = {(place.base, byte) for place in map(place_of, regions) for byte in range(*place_span(place))}
    assert len(bytes_of) == len(set(bytes_of)) == pieces.total_bytes
    assert set(bytes_of) == wanted
    assert pieces.count == len(made)
    assert {(region.name, place_of(region)) for region in regions} <= {name for piece in made for name in named(piece)}


def place_span(place: Place) -> tuple[int, int]:
    return place.start, place.end


def named(piece: Piece) -> Iterator[tuple[str, Place]]:
    """What a piece is and what it covers, and where they lie."""
    place = place_of(piece.region)
    yield piece.region.name, place
    for covered in piece.covers:
        start = place.start + covered.offset
        yield covered.name, Place(place.base, start, start + covered.length)
