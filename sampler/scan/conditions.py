"""The words of a condition, taken apart at its operators and parentheses. Pure; it knows nothing of what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

Words: TypeAlias = Sequence[str]

DEPTH_MAX: Final = 64
"""Of parentheses and operators inside one another; deeper ones are not looked into."""


def is_enclosed(words: Words) -> bool:
    """Whether one pair of parentheses stands around all of them."""
    return bool(words) and words[0] == "(" and _closing(words) == len(words) - 1


def operands(words: Words, operator: str) -> list[Words]:
    """The operands of an operator outside of all parentheses and brackets; all words if it is not there."""
    parts: list[Words] = []
    depth = begin = 0
    for place, word in enumerate(words):
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if depth == 0 and word == operator:
            parts.append(words[begin:place])
            begin = place + 1
    return [*parts, words[begin:]]


def _closing(words: Words) -> int:
    """Where the parenthesis that the words begin with closes."""
    depth = 0
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return place
    return -1
