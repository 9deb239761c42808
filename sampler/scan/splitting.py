"""Cutting rules out of source texts: those that cannot match an object of one start, and those that do not compile.

What is cut becomes blank, so that every line keeps its number. A rule that a remaining one refers to stays: it is false
where it does not apply, which is what the other one has to see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sampler.scan.applying import Prefixes, Start, applies, needs_of
from sampler.scan.source import Outline, OutlineError, RuleOutline, Statement, outline

_NOTHING: Final = Outline((), (), ())


class Splitter:
    """The rules of one source text, and what each can match."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        """Read ``text``, whose rules have these names by the engine's word; unless its layout says the same, it is
        never cut.
        """
        self._text = text
        self._outline = _understood(text, names)
        self._needs: Mapping[str, Prefixes] = needs_of(self._outline.rules)

    def mentions(self, word: str) -> bool:
        """Whether any condition has this word in it, or might."""
        rules = self._outline.rules
        return any(word in rule.condition for rule in rules) if rules else word in self._text

    def names_for(self, *starts: Start) -> set[str]:
        """The rules that can match an object of one of these starts, as far as they can be told apart.

        Where a global rule cannot match, no rule of its namespace can (YARA documentation, "Global rules").
        """
        rules = self._outline.rules
        able = {rule.name for rule in rules if any(applies(self._needs[rule.name], start) for start in starts)}
        return able if all(rule.name in able for rule in rules if rule.is_global) else set()

    def for_start(self, *starts: Start) -> str:
        """The text with only the rules that can match an object of one of these starts; empty if there are none."""
        rules = self._outline.rules
        wanted = self.names_for(*starts)
        if rules and not wanted:
            return ""
        kept = _with_references(rules, wanted)
        return without(self._text, self._outline, [rule for rule in rules if rule.name not in kept])


def _understood(text: str, names: Collection[str]) -> Outline:
    try:
        layout = outline(text)
    except OutlineError:
        return _NOTHING
    return layout if sorted(names) == sorted(rule.name for rule in layout.rules) else _NOTHING


def without(text: str, layout: Outline, dropped: Iterable[RuleOutline]) -> str:
    """``text`` with these rules blank, and with them the imports of modules that no other rule names."""
    dropped = list(dropped)
    if not dropped:
        return text
    gone = {rule.name for rule in dropped}
    used = frozenset[str]().union(*(rule.condition for rule in layout.rules if rule.name not in gone))
    unused = [statement for statement in layout.imports if statement.what.isidentifier() and statement.what not in used]
    return blanked(text, [*dropped, *unused])


def blanked(text: str, places: Iterable[RuleOutline | Statement]) -> str:
    """``text`` without what stands at these places; the ends of its lines stay."""
    parts: list[str] = []
    end = 0
    for place in sorted(places, key=lambda place: place.start):
        parts += (text[end : place.start], "\n" * text.count("\n", place.start, place.end))
        end = place.end
    return "".join((*parts, text[end:]))


def _with_references(rules: Iterable[RuleOutline], wanted: set[str]) -> set[str]:
    """``wanted`` and every rule that one of them refers to, by name or by a pattern, over any number of steps."""
    rules = list(rules)
    names = frozenset(rule.name for rule in rules)
    kept = set(wanted)
    for rule in reversed(rules):  # a rule can only refer to rules before it
        if rule.name in kept:
            kept |= names.intersection(rule.condition)
            if patterns := rule.patterns:
                kept |= {name for name in names if name.startswith(patterns)}
    return kept
