"""Compiling rule texts one by one, so that what is wrong with one costs only that one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sampler.errors import RulesError
from sampler.limits import RULES_LEFT_OUT_OF_FILE_MAX_COUNT
from sampler.scan.asking import AskError, parse_ask
from sampler.scan.engine import CompiledRules, Engine, ExternalValue
from sampler.scan.including import Expanded
from sampler.scan.rule_files import RuleFileError, RuleProblem
from sampler.scan.source import Outline, OutlineError, RuleOutline, Statement, outline
from sampler.scan.splitting import Splitter, blanked


@dataclass(frozen=True, slots=True)
class Usable:
    """What of one rule text compiles."""

    namespace: str
    text: str
    names: tuple[str, ...]
    """Of its rules, private ones included."""
    problems: tuple[RuleProblem, ...]

    def splitter(self) -> Splitter:
        """For cutting out the rules that cannot match an object."""
        return Splitter(self.text, self.names)


def usable(
    engine: Engine, externals: Mapping[str, ExternalValue], namespace: str, expanded: Expanded
) -> Usable | RuleProblem:
    """Compile one text by itself, leaving out rules and imports that do not; or what is wrong with all of it."""
    text, problems = expanded.text, list[RuleProblem]()
    while True:
        try:
            compiled = engine.compile({namespace: text}, externals)
        except RuleFileError as error:
            located = expanded.located(error)
            try:
                places = _culprits(text, error.line, found_before=len(problems))
                culprit = places[_which(engine, externals, text, places) if len(places) > 1 else 0]
            except RuleFileError:
                return RuleProblem(namespace, located.line, str(located))
            problems.append(RuleProblem(namespace, located.line, f"{_named(culprit)} is left out: {located}"))
            text = blanked(text, [culprit])
        except RulesError as error:
            return RuleProblem(namespace, 0, str(error))
        else:
            names, asks = _headers(compiled, namespace, expanded, text)
            if not names and problems:
                return problems[0]
            return Usable(namespace, text, names, (*problems, *asks))


def _culprits(text: str, line: int, *, found_before: int) -> Sequence[RuleOutline | Statement]:
    """The rules and imports on a faulty line; ``RuleFileError`` if there are none, or there were too many before."""
    if found_before == RULES_LEFT_OUT_OF_FILE_MAX_COUNT:
        raise RuleFileError(f"more than {found_before} of its rules do not compile")
    layout = _layout(text)
    lines = text.split("\n", line) if line > 0 else []
    begin = sum(map(len, lines[: line - 1])) + line - 1
    end = begin + len(lines[line - 1]) if len(lines) >= line > 0 else -1
    places: tuple[RuleOutline | Statement, ...] = (*layout.rules, *layout.imports)
    found = [place for place in places if place.start <= end and begin <= place.end]
    if not found:
        raise RuleFileError("the fault lies in no rule")
    return sorted(found, key=lambda place: place.start)


def _which(
    engine: Engine, externals: Mapping[str, ExternalValue], text: str, places: Sequence[RuleOutline | Statement]
) -> int:
    """In which of several on one line the fault lies: each begins a line of its own, and the engine is asked again."""
    cuts = [0, *(place.start for place in places), len(text)]
    try:
        engine.compile({"": "\n".join(text[begin:end] for begin, end in pairwise(cuts))}, externals)
    except RuleFileError as error:
        lines = [_line(text, place.start) + number for number, place in enumerate(places, 1)]
        return max(bisect_right(lines, error.line) - 1, 0)
    except RulesError:
        pass
    return 0


def _layout(text: str) -> Outline:
    try:
        return outline(text)
    except OutlineError as error:
        raise RuleFileError(str(error)) from error


def _headers(
    compiled: CompiledRules, namespace: str, expanded: Expanded, text: str
) -> tuple[tuple[str, ...], list[RuleProblem]]:
    """The names of all rules, and a problem for each that asks for something there is not."""
    names, problems = [], []
    for header in compiled.headers():
        names.append(header.name)
        try:
            parse_ask(header.meta)
        except AskError as error:
            place = expanded.located(RuleFileError("", _line_of(header.name, text)))
            message = f"rule {header.name} asks for its metadata only: {error}"
            problems.append(RuleProblem(namespace, place.line, message))
    return tuple(names), problems


def _line_of(rule: str, text: str) -> int:
    """The line on which a rule begins; 0 if that cannot be told."""
    try:
        return next((_line(text, place.start) for place in outline(text).rules if place.name == rule), 0)
    except OutlineError:
        return 0


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _named(culprit: RuleOutline | Statement) -> str:
    return f"rule {culprit.name}" if isinstance(culprit, RuleOutline) else f'import "{culprit.what}"'
