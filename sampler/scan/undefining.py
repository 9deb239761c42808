"""Writing conditions without a module, for objects that are not of its format. Pure.

A rule such as ``2 of them or pe.imphash() == "…"`` holds for any object, and one such rule makes the engine declare
and run ``pe`` on every file. In an object that does not begin with ``MZ`` the module's values are undefined, and so is
a byte that is read behind the end: written with that instead, the rule means the same and needs no module. What is
undefined in every engine is written so in whatever expression it stands; a term that is false in one engine and
undefined in another, only where nothing but ``and`` and ``or`` is around it, which take both for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.scan.conditions import DEPTH_MAX, Words, is_enclosed, operands
from sampler.scan.module_facts import INTEGER_FACTS, undefined_without, untrue_without

_UNDEFINED: Final = "uint8(filesize)"
"""An integer that is undefined in every engine, since there is no byte behind the last."""
_UNDEFINED_TERM: Final = f"({_UNDEFINED} == 0)"


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is to stand in place of some words of a condition."""

    begin: int
    end: int
    """Behind the last word."""
    text: str


def written_without(condition: Words, module: str) -> list[Rewriting] | None:
    """What makes a condition mean the same without a module that says nothing; ``None`` if that cannot be had.

    Args:
        condition: its words.
        module: one of ``MODULE_STARTS``; the objects do not begin as its format does.
    """
    named = {place for place, word in enumerate(condition) if word == module}
    if not all(_is_module(condition, place) for place in named):
        return None
    found = list(_of_expression(condition, module, 0, plain=True))
    return found if named.issubset(place for one in found for place in range(one.begin, one.end)) else None


def _is_module(words: Words, place: int) -> bool:
    """Whether a name stands for the module, and not for a variable of a loop or a field that is called alike."""
    before, after = words[max(place - 1, 0) : place], words[place + 1 : place + 2]
    return "." in after and "." not in before


def _of_expression(words: Words, module: str, at: int, *, plain: bool, depth: int = 0) -> Iterator[Rewriting]:
    """Of the expression that begins at ``at``; it is plain if only ``and``, ``or`` and parentheses are around it."""
    if depth == DEPTH_MAX or module not in words:
        return
    depth += 1
    if is_enclosed(words):
        yield from _of_expression(words[1:-1], module, at + 1, plain=plain, depth=depth)
    elif len(parts := _parts(words)) > 1:
        for part in parts:
            yield from _of_expression(part, module, at, plain=plain, depth=depth)
            at += len(part) + 1
    elif words[0] == "not":
        yield from _of_expression(words[1:], module, at + 1, plain=False, depth=depth)
    elif body := _body(words):
        yield from _of_values(words[:body], module, at)
        yield from _of_expression(words[body:], module, at + body, plain=False, depth=depth)
    else:
        yield from _of_term(words, module, at, plain=plain)


def _parts(words: Words) -> list[Words]:
    alternatives = operands(words, "or")
    return alternatives if len(alternatives) > 1 else operands(words, "and")


def _body(words: Words) -> int:
    """Where the condition within a ``for`` begins; 0 if there is none."""
    body = words.index(":") + 1 if words[0] == "for" and ":" in words else 0
    return body if is_enclosed(words[body:]) else 0


def _of_term(words: Words, module: str, at: int, *, plain: bool) -> Iterator[Rewriting]:
    start = untrue_without(words) if plain else undefined_without(words)
    if start and words[0] == module and not any(map(_is_string, words)):
        yield Rewriting(at, at + len(words), _UNDEFINED_TERM)
    else:
        yield from _of_values(words, module, at)


def _is_string(word: str) -> bool:
    """Whether it names a string: one that nothing refers to any more would not compile."""
    return word[0] in "$#@!" and word != "!="


def _of_values(words: Words, module: str, at: int) -> Iterator[Rewriting]:
    """Of each single integer of the module."""
    for place, word in enumerate(words):
        field = words[place + 2 : place + 3]
        if word == module and INTEGER_FACTS.get(module, frozenset()).issuperset(field) and field:
            yield Rewriting(at + place, at + place + 3, _UNDEFINED)
