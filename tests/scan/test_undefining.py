"""Conditions written without a module: only where it can say nothing, and meaning the same in every engine."""

from __future__ import annotations

import pytest

from sampler.scan.engine import Engine, ScanLimits
from sampler.scan.engines import ENGINE_NAMES, engine_of
from sampler.scan.rule_files import RuleFileError
from sampler.scan.source import outline
from sampler.scan.splitting import Splitter
from sampler.scan.starts import Start
from sampler.scan.undefining import written_without

GONE = "(uint8(filesize) == 0)"
BYTE = "uint8(filesize)"
DEEP = 100
TOO_DEEP = 5000


def written(condition: str, module: str = "pe") -> str | None:
    words = outline(f"rule r {{ condition: {condition} }}").rules[0].condition
    found = written_without(words, module)
    if found is None:
        return None
    parts = list(words)
    for one in sorted(found, key=lambda one: one.begin, reverse=True):
        parts[one.begin : one.end] = [one.text]
    return " ".join(parts)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", "true"),
        ('pe.imphash() == "x" or $a', f"{GONE} or $a"),
        ("$a or (true and (pe.is_dll() or $b))", f"$a or ( true and ( {GONE} or $b ) )"),
        ('$a or not pe.imphash() == "x"', f"$a or not {GONE}"),
        ("$a or not (pe.is_dll() and $b)", f"$a or not ( {GONE} and $b )"),
        ("$a or not (pe.is_dll())", f"$a or not ( {GONE} )"),
        ("pe.characteristics & pe.DLL or $a", f"{GONE} or $a"),
        ("$a or pe.is_pe", f"$a or {GONE}"),
        ('$a or (pe.exports("x") and $b)', f"$a or ( {GONE} and $b )"),
        ("$a or pe.checksum != 1", f"$a or {GONE}"),
        ("$a at pe.entry_point or $b", f"$a at {BYTE} or $b"),
        ("pe.entry_point == @a or $b", f"{BYTE} == @a or $b"),
        ("filesize > pe.size_of_image + 1", f"filesize > {BYTE} + 1"),
        ("pe.number_of_sections of them", f"{BYTE} of them"),
        ("defined pe.number_of_sections", f"defined {BYTE}"),
        (
            'for any i in (0..pe.number_of_signatures - 1) : (pe.signatures[i].issuer == "x" or i == 9)',
            f"for any i in ( 0 .. {BYTE} - 1 ) : ( {GONE} or i == 9 )",
        ),
        ("for all of them : ($ at pe.entry_point)", f"for all of them : ( $ at {BYTE} )"),
        ("for any of them : ($) or pe.is_dll()", f"for any of them : ( $ ) or {GONE}"),
        ("with x = pe.machine : ( x == 1 )", f"with x = {BYTE} : ( x == 1 )"),
    ],
)
def test_what_is_written(condition: str, expected: str) -> None:
    """A term that begins with a fact goes as a whole, but not with a string in it; elsewhere a single integer goes."""
    assert written(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "pe.is_pe == 0",
        "not pe.is_pe",
        "$a or not (pe.is_pe and $b)",
        'not pe.exports("x")',
        'pe.exports("x") == 0 or $a',
        'for any i in (1, 2) : (pe.exports("x"))',
        'for any s in pe.sections : (s.name == "x")',
        "filesize == pe.sections[0].raw_data_size",
        "defined pe.imphash()",
        'pe.imphash() == "x" or pe.is_pe == 0',
        "pe.MACHINE_I386 == filesize",
        "pe.linker_version.major == 1",
        "pe.sections[@a[1]].raw_data_size == 1",
        "for any pe in (1, 2) : (pe == 1)",
        "with pe = elf.machine : (pe == 1) or pe.machine == 1",
        "elf.pe.machine == 1",
        "(" * DEEP + "pe.is_dll()" + ")" * DEEP,
        "not " * TOO_DEEP + "pe.is_dll()",
    ],
)
def test_what_is_left(condition: str) -> None:
    """What some engine has a value for, what is no fact, and what is only called alike stays, and all else with it."""
    assert written(condition) is None


@pytest.mark.parametrize(
    ("module", "expected"),
    [("dotnet", f"$a or {GONE} or elf.type == 1"), ("elf", f"$a or dotnet.is_dotnet or {GONE}")],
)
def test_other_modules(module: str, expected: str) -> None:
    """One module goes at a time."""
    result = written("$a or dotnet.is_dotnet or elf.type == 1", module)
    assert result is not None
    assert result.replace(" . ", ".") == expected


CONTEXTS = [
    "{}", "not {}", "not not {}", "{} or true", "not ({} or false)", "not ({} and true)", "not ({} and false)",
    "for none i in (1, 2) : ({})", "for all i in (1, 2) : (not {})", "for 0 i in (1, 2) : ({})",
    "for all i in (1, 2) : ({} or true)", "for any of them : (not {})",
]  # fmt: skip
TERMS = [
    "pe.entry_point == 0", "pe.is_dll()", 'pe.imphash() != "x"', 'pe.sections[0].name contains ""',
    "$a at pe.entry_point", "$a in (0..pe.entry_point)", "#a in (0..pe.entry_point) == 0", "@a[pe.machine] == 0",
    "0 < pe.machine", "pe.machine of them", "any of them in (0..pe.machine)", "none of them at pe.entry_point",
    "defined pe.machine",
    "for all i in (0..pe.machine) : (true)", "for any i in (pe.machine, 2) : (true)", "uint8(pe.machine) == 0",
    "for pe.machine of them : (true)", "-pe.machine == 0", "1 + pe.machine == pe.timestamp", "pe.machine % of them",
]  # fmt: skip


def _takes(engine: Engine, text: str) -> bool:
    try:
        engine.compile({"n": text}, {})
    except RuleFileError:
        return False
    return True


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_the_same_meaning(name: str) -> None:
    """Every term in every expression around it is as true without the module as with it."""
    engine = engine_of(name)
    conditions = [context.format(term) for context in CONTEXTS for term in TERMS]
    rule = 'rule r{} {{ strings: $a = "M" condition: ({}) and (any of them or true) }}'
    texts = [rule.format(number, condition) for number, condition in enumerate(conditions)]
    texts = [text for text in texts if _takes(engine, f'import "pe" {text}')]
    assert len(texts) >= len(conditions) / 2
    with_module = "\n".join(('import "pe"', *texts))
    without = Splitter(with_module, [rule.name for rule in outline(with_module).rules]).for_start(Start.OTHER)
    assert "pe" not in without
    kept = {rule.name for rule in outline(without).rules}
    for content in (b"", b"ZM", b"one M two"):
        found = [engine.compile({"n": text}, {}).scan(content, {}, ScanLimits()) for text in (with_module, without)]
        assert found[0] == found[1], content
        assert kept.issuperset(match.rule for match in found[0].matches)
