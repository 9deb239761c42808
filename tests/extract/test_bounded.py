from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.bounded import SLICE_MAX_BYTES, BoundedView


@given(data=st.binary(max_size=50), start=st.none() | st.integers(-60, 60), stop=st.none() | st.integers(-60, 60))
def test_slices_as_bytes_do(data: bytes, start: int | None, stop: int | None) -> None:
    """Below the ceiling a slice of the view is the slice of the bytes, whatever holds them."""
    for held in (data, bytearray(data), memoryview(data)):
        view = BoundedView(held)
        assert len(view) == len(data)
        assert view[start:stop] == data[start:stop]


def test_no_slice_is_larger_than_the_ceiling() -> None:
    """A slice over everything ends at the ceiling; the length is that of the object all the same."""
    view = BoundedView(bytes(2 * SLICE_MAX_BYTES))
    assert len(view[:]) == SLICE_MAX_BYTES
    assert len(view) == 2 * SLICE_MAX_BYTES


def test_finds_from_the_object_s_start() -> None:
    """An occurrence is given by its offset in the object, and one outside the range is not found."""
    view = BoundedView(b"..Rich..Rich")
    assert view.find(b"Rich", 0, 12) == 2
    assert view.find(b"Rich", 3, 12) == 8
    assert view.find(b"Rich", 3, 11) == -1


def test_steps_are_refused() -> None:
    """A view is not read backwards or with gaps."""
    with pytest.raises(ValueError, match="forwards"):
        BoundedView(b"abc")[::-1]
