from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.permit.cards import redact_cards


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", "~card"),
        ("4111 1111 1111 1111", "~card"),
        ("3782-822463-10005", "~card"),
        ("at 2026 4111 1111 1111 1111 12", "at 2026 ~card 12"),
        ("4111111111111111.", "~card."),
        ("4111111111111112", "4111111111111112"),
        ("4111 1111-1111 1111", "4111 1111-1111 1111"),
        ("41111111111111110", "41111111111111110"),
        ("x4111111111111111", "x4111111111111111"),
        ("4111111111111111.5", "4111111111111111.5"),
        ("1732449600000000", "1732449600000000"),
        ("٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١١"),
    ],
)
def test_cards_are_told_by_network_length_and_check_digit(text: str, expected: str) -> None:
    """A card's number is replaced as it is written on cards; another grouping, length or check digit is no card."""
    assert redact_cards(text) == expected


@given(st.lists(st.sampled_from(["4111", "1111", " ", "-", "x", "37", "~card"]), max_size=30).map("".join))
def test_twice_is_once(text: str) -> None:
    """A text without its cards is left alone."""
    once = redact_cards(text)
    assert redact_cards(once) == once


@given(st.integers(0, 9))
def test_one_wrong_digit_is_no_card(position: int) -> None:
    """The check digit finds every single wrong digit."""
    number = "5555555555554444"
    changed = number[: position + 4] + str((int(number[position + 4]) + 1) % 10) + number[position + 5 :]
    assert redact_cards(changed) == changed
