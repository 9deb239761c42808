"""Rule sets that are compiled once: what is kept, what is loaded, and what is compiled anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sampler.errors import RulesError
from sampler.scan import RuleSet, RuleSettings, known_rules, ruleset
from sampler.scan.engine import CompiledRules, Engine, ExternalValue
from sampler.scan.engines import engine_of
from sampler.scan.splitting import Splitter

Write = Callable[..., Path]
SOURCES = {
    "a.yar": 'rule a { strings: $a = "MZ" condition: $a at 0 and uint16(0) == 0x5A4D }',
    "b.yar": 'rule b { condition: filename == "x" } rule bad { condition: nothing } rule c { condition: true }',
}


@dataclass(slots=True)
class Recording:
    """An engine that counts what is asked of it."""

    engine: Engine
    compiled: int = 0
    loaded: list[bytes] = field(default_factory=list)
    refuses: bool = False

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def version(self) -> str:
        return self.engine.version

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        self.compiled += 1
        return self.engine.compile(sources, externals)

    def load(self, data: bytes) -> CompiledRules:
        self.loaded.append(data)
        if self.refuses:
            raise RulesError("not mine")
        return self.engine.load(data)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """What every rule set of the test is compiled with."""
    recording = Recording(engine_of("yara"))
    monkeypatch.setattr(ruleset, "engine_of", lambda name: recording)
    return recording


@pytest.fixture
def usual(rule_folder: Write, tmp_path: Path) -> RuleSettings:
    """A folder of rules, one of which is bad, and a cache."""
    return RuleSettings((rule_folder(SOURCES),), cache=tmp_path / "cache")


def told(rules: RuleSet) -> tuple[object, ...]:
    return rules.version, rules.rule_count, rules.problems, rules.used, rules.run(b"MZ", {"filename": "x"})


def entries(settings: RuleSettings) -> set[Path]:
    assert settings.cache
    return set(settings.cache.iterdir())


def test_the_second_time(engine: Recording, usual: RuleSettings) -> None:
    """Rules that were kept are not compiled again, and everything about them is as it was."""
    first = told(RuleSet.load(usual))
    compiled = engine.compiled
    assert not engine.loaded
    assert told(RuleSet.load(usual)) == first
    assert engine.compiled == compiled
    assert len(engine.loaded) == 2
    known = known_rules(usual, usual.collect())
    assert known
    assert (known.rule_count, known.problems, known.used) == first[1:4]
    assert first[1:4] == (3, known.problems, ("filename",))
    assert len(known.problems) == 1


def test_what_is_loaded_is_ours(engine: Recording, usual: RuleSettings) -> None:
    """Whatever reaches the engine's loading stands in a file of the cache, with its SHA-256 in our header."""
    RuleSet.load(usual)
    RuleSet.load(usual)
    heads = {
        file.read_bytes()[: -len(data)]
        for file in entries(usual)
        for data in engine.loaded
        if data in file.read_bytes()
    }
    assert len(heads) == len(engine.loaded) > 0
    digests = {hashlib.sha256(data).digest() for data in engine.loaded}
    assert {head[-32:] for head in heads} == digests
    assert all(head.startswith(b"sampler compiled rules ") for head in heads)


@pytest.mark.parametrize("place", [0, 60, 150, -1])
def test_damaged_forms_are_never_loaded(engine: Recording, usual: RuleSettings, place: int) -> None:
    """A damaged entry is compiled anew, before the engine sees a byte of it."""
    first = told(RuleSet.load(usual))
    for file in entries(usual):
        data = bytearray(file.read_bytes())
        data[place] ^= 0x20
        file.write_bytes(data)
    assert told(RuleSet.load(usual)) == first
    assert not engine.loaded
    assert told(RuleSet.load(usual)) == first
    assert engine.loaded


def test_exchanged_forms_are_never_loaded(engine: Recording, usual: RuleSettings) -> None:
    """Entries that were given one another's names are not taken for one another."""
    first = told(RuleSet.load(usual))
    one, two = sorted(file for file in entries(usual) if not file.name.endswith("-record.compiled"))
    contents = one.read_bytes(), two.read_bytes()
    assert contents[0] != contents[1]
    one.write_bytes(contents[1])
    two.write_bytes(contents[0])
    assert told(RuleSet.load(usual)) == first
    assert not engine.loaded


def test_a_cache_of_somebody_else(engine: Recording, usual: RuleSettings) -> None:
    """From a folder that others can write to, nothing is loaded."""
    RuleSet.load(usual)
    assert usual.cache
    usual.cache.chmod(0o777)
    RuleSet.load(usual)
    assert not engine.loaded
    assert known_rules(usual, usual.collect()) is None


def test_forms_that_the_engine_refuses(engine: Recording, usual: RuleSettings) -> None:
    """Kept rules that the engine does not take are compiled anew instead of failing every start."""
    first = told(RuleSet.load(usual))
    compiled = engine.compiled
    engine.refuses = True
    assert told(RuleSet.load(usual)) == first
    assert engine.compiled == 2 * compiled


def test_a_form_that_is_gone(engine: Recording, usual: RuleSettings) -> None:
    """Where one form gave way to others, the rules are compiled anew."""
    first = told(RuleSet.load(usual))
    min(file for file in entries(usual) if not file.name.endswith("-record.compiled")).unlink()
    assert told(RuleSet.load(usual)) == first


def test_what_has_entries_of_its_own(engine: Recording, usual: RuleSettings, rule_folder: Write) -> None:
    """Rules that are cut and whole ones, other variables and other texts do not share entries."""
    RuleSet.load(usual)
    before = entries(usual)
    for other in (replace(usual, split=False), replace(usual, externals={"more": 1})):
        RuleSet.load(other)
        assert not engine.loaded
        assert len(entries(usual)) > len(before)
        before = entries(usual)
    rule_folder({"a.yar": SOURCES["a.yar"] + "\n"})
    RuleSet.load(usual)
    assert not engine.loaded


def test_whole_rules_are_one_form(engine: Recording, usual: RuleSettings) -> None:
    """Rules that are not cut are compiled and kept once for all objects."""
    RuleSet.load(replace(usual, split=False))
    assert len(entries(usual)) == 2


def test_an_engine_that_cannot_keep(rule_folder: Write, tmp_path: Path) -> None:
    """Rules of an engine whose compiled form cannot be kept work without."""
    settings = RuleSettings((rule_folder(SOURCES),), engine="boreal", cache=tmp_path / "cache")
    assert told(RuleSet.load(settings)) == told(RuleSet.load(settings))
    assert known_rules(settings, settings.collect()) is None


def test_cut_rules_that_do_not_compile(monkeypatch: pytest.MonkeyPatch, rule_folder: Write) -> None:
    """Should cutting ever make texts that do not compile, the rules run whole."""
    monkeypatch.setattr(Splitter, "for_start", lambda self, start: "rule broken {")
    rules = RuleSet.load(RuleSettings((rule_folder(SOURCES),)))
    assert [match.rule for match in rules.scan(b"MZ", {})] == ["a", "c"]
