from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import FIELD_VALUE_MAX_CHARACTERS, FIELDS_MAX_COUNT, TREATED_TEXT_MAX_CHARACTERS
from sampler.model import FieldValue
from sampler.permit.values import bounded, cut, writable


@given(st.text(), st.integers(1, 40))
def test_a_cut_text_fits_and_ends_between_words(text: str, characters: int) -> None:
    """A text is at most as long as asked, and what is left of it is its own beginning, without half a word."""
    short = cut(text, characters)
    assert len(short) <= characters
    kept = short.removesuffix("…")
    assert short == text or (text.startswith(kept) and not kept[-1:].isalnum())


def test_a_list_is_bounded_as_one() -> None:
    """A list's texts share one ceiling: many long ones are as costly to treat as one very long one."""
    texts = bounded(("x " * 10_000,) * 2000)
    assert isinstance(texts, tuple)
    assert sum(map(len, texts)) <= TREATED_TEXT_MAX_CHARACTERS


def test_numbers_are_bounded_by_nature() -> None:
    """What is no text is looked at as it is."""
    assert (bounded(7), bounded(True)) == (7, True)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a\udcffb", "a\\udcffb"),
        (("a\ud800",), ("a\\ud800",)),
        (1.5, 1.5),
        (float("nan"), None),
        (2**63, None),
        (True, True),
    ],
)
def test_what_json_cannot_carry_is_escaped_or_dropped(value: FieldValue, written: FieldValue | None) -> None:
    """Lone surrogates are escaped; numbers that are none, or too large, are dropped."""
    assert writable(value) == written


def test_a_written_list_fits() -> None:
    """As many texts as the wire takes, each as long as it takes."""
    texts = writable(("x y " * 5000,) * (FIELDS_MAX_COUNT + 1))
    assert isinstance(texts, tuple)
    assert len(texts) == FIELDS_MAX_COUNT
    assert max(map(len, texts)) <= FIELD_VALUE_MAX_CHARACTERS
