"""Which pieces of an upload make up its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.storage.s3_parts import Piece, chain, piece_name, piece_of

_PIECES = st.lists(
    st.builds(
        lambda start, length: Piece(start, start + length, f"k{start}-{length}"), st.integers(0, 8), st.integers(1, 8)
    )
)


@given(pieces=_PIECES, most=st.one_of(st.none(), st.integers(0, 16)))
def test_a_chain_has_no_gap_and_ends_where_it_may(pieces: list[Piece], most: int | None) -> None:
    """It begins at 0, each piece begins where the one before ends, and only the last one reaches past ``most``."""
    found = chain(pieces, most)
    assert [piece.start for piece in found] == [0, *(piece.end for piece in found)][: len(found)]
    if most is not None:
        assert all(piece.end <= most for piece in found[:-1])
        assert not found or found[-1].start < most


@given(start=st.integers(0, 1 << 40), length=st.integers(1, 1 << 30))
def test_a_pieces_name_says_where_it_lies(start: int, length: int) -> None:
    """A name that was made is read again."""
    key = f"uploads/u/{piece_name(start, start + length, '0123456789abcdef')}"
    assert piece_of(key, length) == Piece(start, start + length, key)
    assert piece_of(key, length + 1) is None


@pytest.mark.parametrize("key", ["", "uploads/u/x", "uploads/u/1-2-3", f"uploads/u/{piece_name(5, 5, '0' * 16)}"])
def test_what_is_no_piece_is_none(key: str) -> None:
    """Objects that others put there are not taken for bytes of an upload."""
    assert piece_of(key, 0) is None
