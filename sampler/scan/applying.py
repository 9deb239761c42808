"""Which objects a rule can match at all, told from its condition by their first bytes. Pure.

A condition that is a conjunction with ``uint16(0) == 0x5A4D``, with a fact of the ``pe`` module, or with a rule that
needs the same, is false for every object that does not begin with ``MZ``; such a rule need not run on the others, and
its strings need not be looked for. What cannot be proven applies to everything. The proof uses three facts of YARA:
reading beyond the end is undefined, a comparison with an undefined value is undefined, and ``and`` takes that for false
(YARA documentation, "Writing YARA rules", "Undefined values").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from sampler.scan.conditions import DEPTH_MAX, Words, is_enclosed, operands
from sampler.scan.module_facts import undefined_without, untrue_without
from sampler.scan.source import RuleOutline
from sampler.scan.starts import MAGICS, Start, starts_of

Prefixes: TypeAlias = frozenset[bytes] | None
"""What an object has to begin with, one of these; ``None``: anything."""

_READERS: Final = {
    "uint8": (1, "little"),
    "uint16": (2, "little"),
    "uint16be": (2, "big"),
    "uint32": (4, "little"),
    "uint32be": (4, "big"),
}
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,20}")


def applies(prefixes: Prefixes, start: Start) -> bool:
    """Whether an object of this start could begin with one of ``prefixes``."""
    return prefixes is None or any(start in starts_of(prefix) for prefix in prefixes)


def needs_of(rules: Iterable[RuleOutline]) -> dict[str, Prefixes]:
    """What each rule of one namespace needs an object to begin with, by its own condition."""
    needs: dict[str, Prefixes] = {}
    for rule in rules:  # a rule can only refer to rules before it
        needs[rule.name] = _needed(rule.condition, needs)
    return needs


def _needed(words: Words, known: Mapping[str, Prefixes], depth: int = 0) -> Prefixes:
    """What a condition needs: of alternatives any, of conjuncts the first that needs something."""
    if depth == DEPTH_MAX:
        return None
    if is_enclosed(words):
        return _needed(words[1:-1], known, depth + 1)
    alternatives = operands(words, "or")
    if len(alternatives) > 1:
        needs = [_needed(alternative, known, depth + 1) for alternative in alternatives]
        return None if None in needs else frozenset().union(*(need for need in needs if need is not None))
    conjuncts = operands(words, "and")
    if len(conjuncts) > 1:
        return next((need for part in conjuncts if (need := _needed(part, known, depth + 1)) is not None), None)
    return _needed_by_term(words, known)


def _needed_by_term(words: Words, known: Mapping[str, Prefixes]) -> Prefixes:
    if len(words) == 1:
        return known.get(words[0])
    start = _needed_by_negation(words[1:]) if words[:1] == ("not",) else untrue_without(words)
    return frozenset(MAGICS[start]) if start else _needed_by_reading(words)


def _needed_by_negation(words: Words) -> Start | None:
    """What is undefined stays so with ``not`` before it, in parentheses or without."""
    words = words[1:-1] if is_enclosed(words) else words
    several = any(len(operands(words, operator)) > 1 for operator in ("and", "or"))
    return None if several else undefined_without(words)


def _needed_by_reading(words: Words) -> Prefixes:
    """``uint16(0) == 0x5A4D`` and the like, either way round."""
    if len(words) == 6 and words[1] == "==":
        words = (*words[2:], "==", words[0])
    if len(words) != 6 or words[0] not in _READERS or (words[1], words[3], words[4]) != ("(", ")", "=="):
        return None
    offset, value = _number(words[2]), _number(words[5])
    if offset != 0 or value is None:
        return None
    size, order = _READERS[words[0]]
    if value.bit_length() > 8 * size:
        return frozenset()  # it never has this value
    return frozenset({value.to_bytes(size, "big" if order == "big" else "little")})


def _number(word: str) -> int | None:
    """What a word stands for as a number; zeros in front do not make it octal."""
    if not _NUMBER.fullmatch(word):
        return None
    return int(word, 16) if word.startswith("0x") else int(word)
