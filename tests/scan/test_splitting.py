"""Cutting rules out of texts: what is left compiles, keeps its lines, and finds the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.runtime.places import shipped
from sampler.scan import RuleSet, RuleSettings
from sampler.scan.engines import ENGINE_NAMES, engine_of
from sampler.scan.ruleset import _cut_forms
from sampler.scan.source import outline
from sampler.scan.splitting import Splitter
from sampler.scan.starts import Start

Write = Callable[..., Path]
MZ = "uint16(0) == 0x5A4D"
ELF = "uint32(0) == 0x464c457f"


def splitter(text: str) -> Splitter:
    return Splitter(text, [rule.name for rule in outline(text).rules])


def left(text: str, start: Start) -> list[str]:
    return [rule.name for rule in outline(splitter(text).for_start(start)).rules]


def test_lines_stay() -> None:
    """What is cut leaves its line ends, so that every rule keeps its line; comments outside of rules stay."""
    text = (
        f'import "pe"\n// one\nrule a {{\n condition:\n {MZ} and pe.is_pe\n}} /* two */ rule b\n{{ condition: true }}\n'
    )
    assert splitter(text).for_start(Start.OTHER) == "\n// one\n\n\n\n /* two */ rule b\n{ condition: true }\n"
    assert splitter(text).for_start(Start.MZ) == text


def test_references_stay() -> None:
    """A rule that a remaining one refers to stays, over several steps; others that cannot match go."""
    text = f"""
        rule a {{ condition: {MZ} }}
        rule b {{ condition: a and true }}
        rule c {{ condition: not b }}
        rule d {{ condition: {MZ} }}
    """
    assert left(text, Start.OTHER) == ["a", "b", "c"]


@pytest.mark.parametrize("pattern", ["(a*)", "(a *)", "(a/**/*, b)"])
def test_references_by_patterns_stay(pattern: str) -> None:
    """All rules that a pattern names stay, however it is written."""
    text = f"rule a1 {{ condition: {MZ} }} rule b {{ condition: {MZ} }} rule r {{ condition: none of {pattern} }}"
    assert {"a1", "r"} <= set(left(text, Start.OTHER))


@pytest.mark.parametrize(
    ("rules", "imports"),
    [
        (f"rule a {{ condition: {MZ} and pe.is_pe }} rule b {{ condition: true }}", []),
        (f"rule a {{ condition: {MZ} and pe.is_pe }} rule b {{ condition: pe.is_pe == 0 }}", ["pe"]),
        (f"rule a {{ condition: {MZ} and pe.is_pe }} rule b {{ condition: with p = pe : (true) }}", ["pe"]),
    ],
)
def test_imports(rules: str, imports: list[str]) -> None:
    """An import that no remaining rule needs goes with the others: its module would still be run."""
    layout = outline(splitter(f'import "pe" {rules}').for_start(Start.OTHER))
    assert [statement.what for statement in layout.imports] == imports


def test_a_module_that_says_nothing() -> None:
    """A rule that applies to all objects is written without a module that knows nothing of them; lines stay."""
    text = """import "pe"
import "elf"
rule a { condition: filesize == 3 or pe.imphash() == // one
    "x" or elf.type == pe.machine }
rule b { condition: filesize > pe.entry_point }"""
    assert splitter(text).for_start(Start.OTHER, Start.CONTAINER).splitlines() == [
        "",
        "",
        "rule a { condition: filesize == 3 or (uint8(filesize) == 0)",
        " or (uint8(filesize) == 0) }",
        "rule b { condition: filesize > uint8(filesize) }",
    ]
    assert splitter(text).for_start(Start.MZ, Start.OTHER) == text.replace('import "elf"', "").replace(
        "elf.type == pe.machine", "(uint8(filesize) == 0)"
    )
    assert splitter(text).for_start(*Start) == text


def test_a_module_that_one_rule_needs() -> None:
    """An import stays if one rule cannot be written without it, whatever the others are."""
    text = 'import "pe" rule a { condition: pe.is_dll() or true } rule b { condition: pe.is_pe == 0 }'
    left = splitter(text).for_start(Start.OTHER)
    assert (
        left == 'import "pe" rule a { condition: (uint8(filesize) == 0) or true } rule b { condition: pe.is_pe == 0 }'
    )


def test_an_import_that_is_written_oddly() -> None:
    """An import with escapes in its name stays: which module it is, is for the engine to say."""
    text = f'import "\\x70e" rule a {{ condition: {MZ} }} rule b {{ condition: pe.is_pe == 0 }}'
    engine_of("yara").compile({"": splitter(text).for_start(Start.OTHER)}, {})


def test_nothing_left() -> None:
    """A text of which no rule is left is left out as a whole."""
    assert splitter(f"rule a {{ condition: {MZ} }}").for_start(Start.ELF) == ""


@pytest.mark.parametrize("modifier", ["global", "private global", "global private"])
def test_global_rules(modifier: str) -> None:
    """Where one of several global rules cannot match, none of the file can."""
    text = f"{modifier} rule a {{ condition: {MZ} }} global rule b {{ condition: {ELF} }} rule c {{ condition: true }}"
    assert [start for start in Start if splitter(text).for_start(start)] == []


@pytest.mark.parametrize("names", [[], ["a"], ["a", "c"], ["a", "b", "c"]])
def test_a_layout_that_the_engine_disagrees_with(names: list[str]) -> None:
    """A text that the engine reads otherwise is never cut."""
    text = f"rule a {{ condition: {MZ} }} rule b {{ condition: {MZ} }}"
    assert {Splitter(text, names).for_start(start) for start in Start} == {text}


def test_a_text_that_is_not_understood() -> None:
    """A text that is not laid out like rules is never cut, and may mention anything that stands in it."""
    odd = Splitter("no rules; filename", ["a"])
    assert {odd.for_start(start) for start in Start} == {"no rules; filename"}
    assert odd.mentions("filename")
    assert not odd.mentions("owner")


def test_what_is_mentioned() -> None:
    """Only conditions count: not metadata, strings or comments."""
    text = 'rule a { meta: m = "owner" strings: $a = "owner" condition: $a and filename != "owner" /* owner */ }'
    assert splitter(text).mentions("filename")
    assert not splitter(text).mentions("owner")


READS = [MZ, f"not {MZ}", ELF, "uint16be(0) == 0x4D5A", "23117 == uint16(0)", "uint8(0) == 0x4D", "uint16(1) == 0x5A4D"]
READS += ["uint16(0) != 0x5A4D", "uint32(0) == 0x04034b50", "uint32be(0) == 0x25504446", "uint16(0) == 0x15A4D"]
FACTS = ["pe.is_pe", "pe.number_of_sections == 0", "pe.number_of_sections != 0", "pe.is_dll()", "not pe.is_dll()"]
FACTS += ["pe.number_of_sections of ($s*)", "defined pe.machine", 'pe.imports("a") == 0', "elf.machine != 0"]
FACTS += ['pe.sections[0].name != "x"', "elf.type == elf.ET_EXEC", "for all x in pe.sections : ( false )"]
FACTS += ["$s0 at pe.entry_point", "defined pe.imphash()", 'pe.exports("a")', 'pe.imports("a", "b")']
FACTS += ['pe.imphash() != "x"', "elf.type == pe.machine", "#s0 in (0..pe.machine) == 0", "dotnet.is_dotnet"]
FACTS += ['for any i in (0..pe.number_of_sections) : ( pe.sections[i].name != "x" or true )']
FACTS += ["for any of them : ( $ at elf.entry_point or not pe.is_dll() )", "for none i in (1, 2) : ( pe.machine == i )"]
STRINGS = ["any of them", "none of them", "all of ($s*)", "$s0", "#s1 == 0", "$s0 at 0", "filesize > 3", "false"]
LOOPS = [f"for any i in (0..1) : ( uint16(i) == 0x5A4D or {ELF} )", f"for 0 of them : ( {MZ} )"]
RULES = ["r0", "not r0", "any of (r0*)", "none of (r0 *)", "all of (r0*)", "1 of (r0, r0)"]
OPERATORS = st.sampled_from(["and", "or", "and not"])


def conditions(*, first: bool) -> st.SearchStrategy[str]:
    terms = st.sampled_from(READS) | st.sampled_from(FACTS) | st.sampled_from(STRINGS) | st.sampled_from(LOOPS)
    terms = terms if first else terms | st.sampled_from(RULES)
    return st.recursive(
        terms,
        lambda parts: (
            st.builds("{} {} {}".format, parts, OPERATORS, parts)
            | parts.map("({})".format)
            | parts.map("not ({})".format)
        ),
        max_leaves=5,
    )


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Rules of all kinds that refer to those before them."""
    rules = ['import "pe" import "elf" import "dotnet"']
    for number in range(draw(st.integers(1, 4))):
        modifier = draw(st.sampled_from(["", "", "", "private ", "global ", "private global "]))
        strings = 'strings: $s0 = "MZ" $s1 = { 00 00 00 }'
        condition = f"({draw(conditions(first=number == 0))}) and (any of them or true)"
        condition += " and (0 of ($s*) or true)"
        rules.append(f"{modifier}rule r{number} {{ {strings} condition: {condition} }}")
    return "\n".join(rules)


HEADS = [b"", b"M", b"MZ", b"ZM", b"\0MZ", b"\x7f", b"\x7fEL", b"\x7fELF", b"P", b"PK\3\4", b"%PDF", b"{\\rt", b"Rar!"]


@pytest.fixture(scope="session")
def objects() -> list[bytes]:
    """Every start, near misses, and objects of which only the start is wrong."""
    folder = shipped("samples_fixture")
    whole = [(folder / name).read_bytes() for name in ("pe/plain/plain.exe", "elf/i386/i386.elf")]
    made = [head + tail for head in HEADS for tail in (b"", b"\0\0\0\0 MZ")]
    return [*made, *whole, *(b"\0" + content for content in whole), *(b"Z" + content[1:] for content in whole)]


def same_matches(name: str, text: str, objects: list[bytes]) -> None:
    engine = engine_of(name)
    names = [rule.name for rule in outline(text).rules]
    cut = RuleSet("", 0, (), (), _cut_forms(engine, {}, {"n": Splitter(text, names)}))
    whole = replace(cut, compiled=dict.fromkeys(Start, engine.compile({"n": text}, {})))
    for content in objects:
        assert cut.run(content, {}) == whole.run(content, {}), (text, content[:8])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=rule_texts())
def test_the_same_matches(text: str, objects: list[bytes]) -> None:
    """Rules cut down to an object's start find in it what all rules find: the same names, the same hits."""
    same_matches("yara", text, objects)


@pytest.mark.parametrize("name", [name for name in ENGINE_NAMES if name != "yara"])
def test_the_same_matches_of_other_engines(name: str, objects: list[bytes]) -> None:
    """The same holds for the other engines; yara-x has no patterns for names of rules."""

    @settings(max_examples=8, deadline=None)
    @given(text=rule_texts())
    def compare(text: str) -> None:
        same_matches(name, text.replace("r0*)", "r0)").replace("r0 *)", "r0)") if name == "yara-x" else text, objects)

    compare()


def test_shipped_rules_find_the_same() -> None:
    """The rules that ship find the same in every sample, cut down or whole."""
    every = RuleSettings((shipped("rules"),))
    cut, whole = RuleSet.load(every), RuleSet.load(replace(every, split=False))
    assert len(set(map(id, cut.compiled.values()))) > len(set(map(id, whole.compiled.values()))) == 1
    found = 0
    for file in shipped("samples_fixture").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            result = cut.run(content, {})
            assert result == whole.run(content, {}), file
            found += len(result.matches)
    assert found > 0
