"""Taking conditions apart."""

from __future__ import annotations

import pytest

from sampler.scan.conditions import is_enclosed, operands


@pytest.mark.parametrize(
    ("words", "enclosed"),
    [("( a )", True), ("( ( a ) or b )", True), ("( a ) or ( b )", False), ("a", False), ("( a", False), ("", False)],
)
def test_enclosed(words: str, enclosed: bool) -> None:
    """One pair of parentheses has to stand around everything."""
    assert is_enclosed(words.split()) is enclosed


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("a or b or c", ["a", "b", "c"]),
        ("( a or b ) or c [ 1 or 2 ]", ["( a or b )", "c [ 1 or 2 ]"]),
        ("a and b", ["a and b"]),
        ("", [""]),
    ],
)
def test_operands(words: str, parts: list[str]) -> None:
    """An operator counts outside of parentheses and brackets."""
    assert [" ".join(part) for part in operands(words.split(), "or")] == parts
