"""Cutting rules out of source texts: those that cannot match an object of one start, and those that do not compile.

What is cut becomes blank, so that every line keeps its number. A rule that a remaining one refers to stays: it is false
where it does not apply, which is what the other one has to see. What stays and names a module that says nothing of such
an object is written without it (``undefining``), so that the module is not run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sampler.scan.applying import Prefixes, applies, needs_of
from sampler.scan.module_facts import MODULE_STARTS
from sampler.scan.source import Outline, OutlineError, RuleOutline, Statement, outline
from sampler.scan.starts import Start
from sampler.scan.undefining import Rewriting, written_without

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
        return _reduced(self._text, self._outline, kept, _silent_modules(starts))


def _understood(text: str, names: Collection[str]) -> Outline:
    try:
        layout = outline(text)
    except OutlineError:
        return _NOTHING
    return layout if sorted(names) == sorted(rule.name for rule in layout.rules) else _NOTHING


def blanked(text: str, places: Iterable[RuleOutline | Statement]) -> str:
    """``text`` without what stands at these places; the ends of its lines stay."""
    return _edited(text, [_blank(place) for place in places])


@dataclass(frozen=True, slots=True)
class _Edit:
    """What is to stand in a text from one place up to another."""

    start: int
    end: int
    text: str = ""


def _blank(place: RuleOutline | Statement) -> _Edit:
    return _Edit(place.start, place.end)


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    """``text`` with all edits, and the ends of its lines; an edit that lies in another one goes with what was there."""
    parts: list[str] = []
    end = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start >= end:
            parts += (text[end : edit.start], edit.text, "\n" * text.count("\n", edit.start, edit.end))
            end = edit.end
    return "".join((*parts, text[end:]))


def _reduced(text: str, layout: Outline, kept: Collection[str], silent: Collection[str]) -> str:
    """``text`` with only these rules, written without silent modules, and with only the imports that they need."""
    edits: list[_Edit] = []
    used: set[str] = set()
    for rule in layout.rules:
        if rule.name not in kept:
            edits.append(_blank(rule))
            continue
        written = {module: written_without(rule.condition, module) for module in silent if module in rule.condition}
        edits += [_edit_of(rule, rewriting) for found in written.values() for rewriting in found or ()]
        used.update(word for word in rule.condition if written.get(word) is None)
    return _edited(text, [*edits, *(_blank(statement) for statement in layout.imports if _is_unused(statement, used))])


def _is_unused(statement: Statement, used: Collection[str]) -> bool:
    """Whether it is an import of a module that no condition names; one that is written oddly might be any."""
    return statement.what.isidentifier() and statement.what not in used


def _edit_of(rule: RuleOutline, rewriting: Rewriting) -> _Edit:
    last = rewriting.end - 1
    end = rule.places[last] + len(rule.condition[last])
    return _Edit(rule.places[rewriting.begin], end, rewriting.text)


def _silent_modules(starts: Collection[Start]) -> set[str]:
    """Those that say nothing of an object of any of these starts."""
    return {module for module, start in MODULE_STARTS.items() if start not in starts}


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
