"""All rules of some places, compiled once for each kind of object; what does not compile is left out and named.

A rule that can only match objects that begin in one way is not run on the others (``applying``), so a rule set is
compiled several times, once for each start of an object, with the rules that can match it.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import msgspec

from sampler.errors import RulesError
from sampler.model import RuleMatch
from sampler.runtime.log import Log
from sampler.scan.collecting import Collected, collect
from sampler.scan.compiled_cache import CompiledCache
from sampler.scan.compiling import Usable, usable
from sampler.scan.engine import EXTERNALS, Buffer, CompiledRules, Engine, ExternalValue, ScanLimits, ScanResult
from sampler.scan.engines import engine_of
from sampler.scan.rule_files import RuleFileError, RuleProblem
from sampler.scan.splitting import Splitter
from sampler.scan.starts import HEAD_BYTES, Start, start_of

log: Final = Log()

_SHARED_FORM_MAX_RATIO: Final = 1.2
"""Starts share a form if it then has at most so many times the rules that each alone would have."""
_PROBLEMS_SHOWN_MAX_COUNT: Final = 5
_LAYOUT: Final = b"5"
"""Of what is kept, and of what is cut from it; another one makes old entries worthless."""
_ALL_LIMITS: Final = ScanLimits()


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Which rules run, and how."""

    places: tuple[Path, ...]
    """Folders, rule files and packs."""
    engine: str = "yara"
    externals: Mapping[str, ExternalValue] = field(default_factory=dict)
    """Variables beside ``EXTERNALS`` that the rules may use, with their values."""
    cache: Path | None = None
    """The private folder where compiled rules are kept; ``None``: nowhere."""
    split: bool = True
    """Run on each object only the rules that can match it; the matches are the same."""

    def collect(self) -> Collected:
        """Read the rules as they are now, without compiling any.

        Raises:
            RulesError: a place is missing, or there is no such engine.
        """
        return collect(self.places, engine_of(self.engine).version, self.externals)

    @property
    def variables(self) -> Mapping[str, ExternalValue]:
        """Every external variable, with what it is unless a scan says otherwise."""
        return {**dict.fromkeys(EXTERNALS, ""), **self.externals}


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a rule set beside its compiled forms."""

    rule_count: int
    problems: list[tuple[str, int, str]]
    used: list[str]
    forms: dict[str, str]
    """By start: which compiled form."""


def _problems(record: _Record) -> tuple[RuleProblem, ...]:
    return tuple(RuleProblem(*problem) for problem in record.problems)


_records = msgspec.msgpack.Decoder(_Record)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rules, what they are called together, and what was left out."""

    version: str
    """``sha256:`` and 16 hexadecimal digits over all names and texts, the variables and the engine's version."""
    rule_count: int
    problems: tuple[RuleProblem, ...]
    used: tuple[str, ...]
    """Those of ``EXTERNALS`` that some condition mentions."""
    compiled: Mapping[Start, CompiledRules]

    @classmethod
    def load(cls, settings: RuleSettings) -> Self:
        """Read the rules and compile them, or take what was kept when they were compiled before.

        Raises:
            RulesError: a place is missing, no rule compiled, or there is no such engine.
        """
        engine = engine_of(settings.engine)
        collected = settings.collect()
        cache = CompiledCache(settings.cache) if settings.cache else None
        key = _key(collected, settings)
        kept = cls._kept(cache, key, engine, collected) if cache else None
        if kept is not None:
            return kept
        rules = cls._compiled(engine, settings, collected)
        if cache:
            rules._keep(cache, key)
        return rules

    def scan(
        self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits = _ALL_LIMITS
    ) -> tuple[RuleMatch, ...]:
        """The matches of all rules in ``data``, sorted by namespace and rule; as ``run``."""
        return self.run(data, externals, limits).matches

    def run(self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits = _ALL_LIMITS) -> ScanResult:
        """The matches of all rules in ``data``, and what had to be left out.

        Args:
            data: the object's bytes.
            externals: values of the variables of this scan; an absent one is as it was declared, or empty.
            limits: of time and of what is kept.

        Raises:
            ScanTimeout: the rules did not end in time.
            ScanError: the engine failed on this object.
        """
        return self.compiled[start_of(bytes(data[:HEAD_BYTES]))].scan(data, externals, limits)

    @classmethod
    def _compiled(cls, engine: Engine, settings: RuleSettings, collected: Collected) -> Self:
        good, problems = _sorted_out(engine, settings, collected)
        if not good:
            raise RulesError(_nothing_left(settings.places, problems))
        splitters = {file.namespace: file.splitter() for file in good}
        whole = {file.namespace: file.text for file in good}
        return cls(
            version=collected.version,
            rule_count=sum(len(file.names) for file in good),
            problems=tuple(problems),
            used=tuple(name for name in EXTERNALS if any(file.mentions(name) for file in splitters.values())),
            compiled=_forms(engine, settings, splitters, whole),
        )

    @classmethod
    def _kept(cls, cache: CompiledCache, key: str, engine: Engine, collected: Collected) -> Self | None:
        data = cache.get(f"{key}-record")
        if data is None:
            return None
        record = _records.decode(data)
        forms: dict[str, CompiledRules] = {}
        for form in set(record.forms.values()):
            compiled = cache.get(f"{key}-{form}")
            if compiled is None:
                return None
            try:
                forms[form] = engine.load(compiled)
            except RulesError as error:
                log.warning("a kept compiled rule set is refused; the rules are compiled anew", error=str(error))
                return None
        return cls(
            version=collected.version,
            rule_count=record.rule_count,
            problems=_problems(record),
            used=tuple(record.used),
            compiled={Start(start): forms[form] for start, form in record.forms.items()},
        )

    def _keep(self, cache: CompiledCache, key: str) -> None:
        """Keep everything, the record last; nothing where this engine's compiled form cannot be kept."""
        forms: dict[str, str] = {}
        by_rules = {id(rules): start.value for start, rules in self.compiled.items()}
        for start, rules in self.compiled.items():
            forms[start.value] = form = by_rules[id(rules)]
            if form == start.value:
                data = rules.save()
                if data is None:
                    return
                cache.put(f"{key}-{form}", data)
        problems = [(problem.file, problem.line, problem.message) for problem in self.problems]
        record = _Record(self.rule_count, problems, list(self.used), forms)
        cache.put(f"{key}-record", msgspec.msgpack.encode(record))


@dataclass(frozen=True, slots=True)
class KnownRules:
    """What compiling found, without the compiled rules."""

    rule_count: int
    problems: tuple[RuleProblem, ...]
    used: tuple[str, ...]
    """As in ``RuleSet``."""


def known_rules(settings: RuleSettings, collected: Collected) -> KnownRules | None:
    """What is known of these very rules since they were compiled and kept; ``None`` if they were not."""
    data = CompiledCache(settings.cache).get(f"{_key(collected, settings)}-record") if settings.cache else None
    if data is None:
        return None
    record = _records.decode(data)
    return KnownRules(record.rule_count, _problems(record), tuple(record.used))


def _sorted_out(engine: Engine, settings: RuleSettings, collected: Collected) -> tuple[list[Usable], list[RuleProblem]]:
    """What compiles, and everything that is wrong with the rest."""
    good: list[Usable] = []
    problems = list(collected.problems)
    for namespace, expanded in collected.texts.items():
        outcome = usable(engine, settings.variables, namespace, expanded)
        if isinstance(outcome, RuleProblem):
            problems.append(outcome)
            continue
        problems += outcome.problems
        if outcome.names:
            good.append(outcome)
    return good, problems


def _forms(
    engine: Engine, settings: RuleSettings, splitters: Mapping[str, Splitter], whole: Mapping[str, str]
) -> dict[Start, CompiledRules]:
    """The rules compiled for each start; for every start alike where they are not to be cut, or cannot be."""
    if settings.split:
        try:
            return _cut_forms(engine, settings.variables, splitters)
        except RulesError as error:
            log.warning("rules are not cut to the objects that they can match", error=str(error))
    return dict.fromkeys(Start, _compile_together(engine, whole, settings.variables))


def _cut_forms(
    engine: Engine, variables: Mapping[str, ExternalValue], files: Mapping[str, Splitter]
) -> dict[Start, CompiledRules]:
    """The rules compiled for each start of an object; starts of much the same rules share one form."""
    by_start: dict[Start, CompiledRules] = {}
    for starts in _groups(files):
        texts = {name: text for name, file in files.items() if (text := file.for_start(*starts))}
        by_start |= dict.fromkeys(starts, _compile_together(engine, texts, variables))
    return by_start


def _groups(files: Mapping[str, Splitter]) -> list[tuple[Start, ...]]:
    """Starts that are better served together: each form takes memory, and the processor's caches."""
    groups: list[tuple[tuple[Start, ...], set[tuple[str, str]]]] = []
    for start in Start:
        rules = {(name, rule) for name, file in files.items() for rule in file.names_for(start)}
        for place, (starts, others) in enumerate(groups):
            if len(rules | others) <= _SHARED_FORM_MAX_RATIO * min(len(rules), len(others)):
                groups[place] = ((*starts, start), rules | others)
                break
        else:
            groups.append(((start,), rules))
    return [starts for starts, _ in groups]


def _compile_together(
    engine: Engine, texts: Mapping[str, str], variables: Mapping[str, ExternalValue]
) -> CompiledRules:
    try:
        return engine.compile(texts, variables)
    except RuleFileError as error:
        raise RulesError(f"the rules compile one by one but not together: {error}") from error


def _key(collected: Collected, settings: RuleSettings) -> str:
    """Names what is kept: everything that it depends on."""
    machine = platform.machine().encode()  # a home folder can be shared by machines of several kinds
    parts = (collected.digest.encode(), _LAYOUT, machine, b"split" if settings.split else b"whole")
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _nothing_left(places: Sequence[Path], problems: Sequence[RuleProblem]) -> str:
    where = ", ".join(str(place) for place in places) or "no folder at all"
    if not problems:
        return f"{where}: no rule file (*.yar, *.yara) is there; add rules or name another folder"
    shown = "; ".join(str(problem) for problem in problems[:_PROBLEMS_SHOWN_MAX_COUNT])
    return f"{where}: none of {len(problems)} rule files can be used: {shown}"
