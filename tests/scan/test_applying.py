"""What rules need an object to begin with, and that no engine finds a fact of a module where it cannot be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sampler.scan.applying import HEAD_BYTES, MODULE_FACTS, Prefixes, Start, applies, needs_of, start_of
from sampler.scan.engine import Engine, ScanLimits
from sampler.scan.engines import ENGINE_NAMES, engine_of
from sampler.scan.rule_files import RuleFileError
from sampler.scan.source import outline

MZ: Final = frozenset({b"MZ"})
ELF: Final = frozenset({b"\x7fELF"})
EITHER: Final = MZ | ELF
ANYTHING: Final = None
NOTHING: Final = frozenset[bytes]()

DEEP: Final = 40
TOO_DEEP: Final = 5000


def needed(condition: str, before: str = "") -> Prefixes:
    return needs_of(outline(f"{before} rule r {{ condition: {condition} }}").rules)["r"]


@pytest.mark.parametrize(
    ("condition", "need"),
    [
        ("uint16(0) == 0x5A4D", MZ),
        ("0x5a4d == uint16(0)", MZ),
        ("uint16(0)==23117", MZ),
        ("uint16(0x0) == 023117", MZ),
        ("uint16be(0) == 0x4D5A", MZ),
        ("uint32(0) == 0x464c457f", ELF),
        ("uint32be(0) == 0x7F454C46", ELF),
        ("uint8(0) == 0x4D", frozenset({b"M"})),
        ("uint32(0) == 0x5a4d", frozenset({b"MZ\0\0"})),
        ("uint16(0) == 0x15A4D", NOTHING),
        ("((uint16(0) == 0x5A4D))", MZ),
        ("(" * DEEP + "uint16(0) == 0x5A4D" + ")" * DEEP, MZ),
        ("uint16(0) == 0x5A4D /* or true */", MZ),
        ("uint16(0) == 0x5A4D // or true\n", MZ),
        ("filesize < 1MB and uint16(0) == 0x5A4D and any of them", MZ),
        ("filesize < 1MB and (true and (uint16(0) == 0x5A4D and any of them))", MZ),
        ("uint16(0) == 0x5A4D or uint32(0) == 0x464c457f", EITHER),
        ("(uint16(0) == 0x5A4D or uint32(0) == 0x464c457f) and $a", EITHER),
        ("uint16(0) == 0x5A4D and $a or uint32(0) == 0x464c457f and $b", EITHER),
        ("uint16(0) == 0x5A4D and 1 of ($a, $b) at 0", MZ),
        ("not $a and uint16(0) == 0x5A4D", MZ),
        ("for any i in (1, 2) : ( true or false ) and uint16(0) == 0x5A4D", MZ),
        ("pe.is_pe", MZ),
        ("dotnet.is_dotnet", MZ),
        ("pe.number_of_sections == 3", MZ),
        ("pe.number_of_sections != 3 and $a", MZ),
        ('pe.sections[pe.number_of_sections - 1].name contains "x"', MZ),
        ("pe.is_dll()", MZ),
        ('pe.version_info["a or b"] == "and"', MZ),
        ("elf.type == elf.ET_EXEC", ELF),
        ("pe.machine == 3 or elf.machine == 3", EITHER),
    ],
)
def test_what_is_needed(condition: str, need: Prefixes) -> None:
    """A condition that is false for other objects says how those it is true for begin."""
    assert needed(condition) == need


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "uint16(0) != 0x5A4D",
        "uint16(0) >= 0x5A4D",
        "uint16(1) == 0x5A4D",
        "uint16(0) == filesize",
        "uint16(0) == 1KB",
        "uint16(0) + 0 == 0x5A4D",
        "int16(0) == 0x5A4D",
        "uint32(uint32(0x3C)) == 0x4550",
        "not uint16(0) == 0x5A4D",
        "not (uint16(0) == 0x5A4D and $a)",
        "uint16(0) == 0x5A4D or true",
        "uint16(0) == 0x5A4D and $a or $b",
        "$b or uint16(0) == 0x5A4D and $a",
        "(uint16(0) == 0x5A4D) or ($a)",
        "for any i in (1, 2) : ( uint16(0) == 0x5A4D and i == 1 )",
        "for 0 of them : ( uint16(0) == 0x5A4D )",
        "for all s in pe.sections : ( s.name == pe.sections[0].name )",
        "defined pe.number_of_sections",
        "not defined pe.number_of_sections",
        "not pe.is_dll()",
        "pe.is_pe == 0",
        "pe.number_of_sections of them",
        "pe.number_of_sections == 0 of them",
        "pe.MACHINE_AMD64 == 0x8664",
        "elf.ET_EXEC == 2",
        'pe.imports("a") == 0',
        'pe.exports("a") == 0',
        "pe.rich_signature.version(1) == 0",
        "with x = true and pe.machine == 1 : ( not x )",
        "0 < pe.number_of_sections",
        "// uint16(0) == 0x5A4D and\n true",
        "/* uint16(0) == 0x5A4D and */ true",
        'filename contains "uint16(0) == 0x5A4D and "',
        "(" * TOO_DEEP + "uint16(0) == 0x5A4D" + ")" * TOO_DEEP,
        "true or (" * TOO_DEEP + "uint16(0) == 0x5A4D" + ")" * TOO_DEEP,
        f"uint16(0) == {'0' * 5000}23117",
    ],
)
def test_what_proves_nothing(condition: str) -> None:
    """What can be true for an object that begins in any way applies to all; so does what is too deep to look into."""
    assert needed(condition) is ANYTHING


@pytest.mark.parametrize(
    ("condition", "need"),
    [
        ("mz", MZ),
        ("hidden and $a", MZ),
        ("chained", MZ),
        ("mz or elves", EITHER),
        ("(mz and elves)", MZ),
        ("any_start", ANYTHING),
        ("not mz", ANYTHING),
        ("any of (mz, elves)", ANYTHING),
        ("any of (m*)", ANYTHING),
        ("unknown", ANYTHING),
    ],
)
def test_rules_that_refer_to_others(condition: str, need: Prefixes) -> None:
    """A rule that needs another one to match needs what that one needs."""
    before = """
        rule mz { condition: uint16(0) == 0x5A4D }
        private rule hidden { condition: uint16(0) == 0x5A4D }
        rule chained { condition: hidden and true }
        rule elves { condition: uint32(0) == 0x464c457f }
        rule any_start { condition: not elves }
    """
    assert needed(condition, before) == need


@pytest.mark.parametrize(
    ("head", "start"),
    [
        (b"", Start.OTHER),
        (b"M", Start.OTHER),
        (b"MZ", Start.MZ),
        (b"ZM", Start.OTHER),
        (b"\x7fELF", Start.ELF),
        (b"\x7fEL", Start.OTHER),
        (b"PK\3\4", Start.CONTAINER),
        (b"Rar!", Start.CONTAINER),
        (b"\xd0\xcf\x11\xe0", Start.CONTAINER),
        (b"%PDF", Start.CONTAINER),
        (b"{\\rt", Start.CONTAINER),
        (b"{\\r", Start.OTHER),
    ],
)
def test_starts(head: bytes, start: Start) -> None:
    """An object counts as what its first bytes say."""
    assert start_of(head) is start


def test_every_prefix_applies_where_it_can_be() -> None:
    """An object is never kept from a rule whose prefix it has, however short object and prefix are."""
    heads = [b"MZ\x90\0", b"\x7fELF", b"PK\3\4", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF", b"{\\rt", b"MQ\0\0", b"\x7fEL_"]
    for content in [head[:size] for head in heads for size in range(HEAD_BYTES + 1)]:
        for size in range(1, len(content) + 1):
            assert applies(frozenset({content[:size]}), start_of(content)), content


def test_what_does_not_apply() -> None:
    """Rules for one kind of objects do not run on the others, and what nothing can match runs nowhere."""
    assert [start for start in Start if applies(MZ, start)] == [Start.MZ]
    assert [start for start in Start if applies(ELF, start)] == [Start.ELF]
    assert [start for start in Start if applies(frozenset({b"M"}), start)] == [Start.MZ, Start.OTHER]
    assert [start for start in Start if applies(ANYTHING, start)] == list(Start)
    assert not any(applies(NOTHING, start) for start in Start)


_FORMS: Final = (
    "{}", "{} == 0", "{} == 1", "{} != 0", "{} != 1", "{} < 1", "{} >= 0", '{} == ""', '{} != "x"', '{} contains ""',
    "{} matches /.*/",
)  # fmt: skip
_MEMBERS: Final = (
    "", "()", "[0]", '["a"]', "[0].name", "[0].full_name", "[0].characteristics", "[0].virtual_address",
    "[0].raw_data_size", "[0].type", "[0].id", "[0].subject", "[0].version", "[0].val", "[0].flags", "[0].offset",
    "[0].size", "[0].address", "[0].value", ".major", "[0].valid_on(1)",
)  # fmt: skip


def _takes(engine: Engine, module: str, condition: str) -> bool:
    try:
        engine.compile({"n": f'import "{module}" rule r {{ condition: {condition} }}'}, {})
    except RuleFileError:
        return False
    return True


def _terms(engine: Engine, module: str, fact: str) -> Iterator[str]:
    """Everything that the engine lets a condition say about a fact in one term."""
    for member in _MEMBERS:
        value = f"{module}.{fact}{member}"
        if _takes(engine, module, f"defined {value}"):
            yield from (term for form in _FORMS if _takes(engine, module, term := form.format(value)))


def _others(samples: Path, start: Start) -> Iterator[bytes]:
    """Objects that do not begin as required, though much of what follows is as it should be."""
    yield from (b"", b"M", b"ZM", b"\x7fEL", b"\0MZ", b"\0\x7fELF", bytes(4096), random.Random(1).randbytes(4096))
    for file in (
        samples / "pe/cli-64/cli-64.exe",
        samples / "pe/dotnet/ClrLoader.dll",
        samples / "elf/x86-64/x86-64.elf",
    ):
        content = file.read_bytes()
        yield from (b"\0" + content, content[1:], bytes(512) + content, b"M\0" + content[2:], b"\x7fElF" + content[4:])
        yield from (b"ZM" + content[2:], b"mz" + content[2:], b"PK" + content[2:])
        if start_of(content) is not start:
            yield content


@pytest.mark.parametrize("module", MODULE_FACTS)
@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_facts_of_modules(name: str, module: str, samples: Path) -> None:
    """No engine finds any term with a fact of a module true for an object that does not begin as its format does."""
    engine = engine_of(name)
    start, facts = MODULE_FACTS[module]
    terms: dict[str, str] = {}
    for fact in sorted(facts):
        terms |= {f"{fact}_{number}": term for number, term in enumerate(_terms(engine, module, fact))}
        assert f"{fact}_0" in terms
    rules = "".join(f"rule {name} {{ condition: {term} }}" for name, term in terms.items())
    compiled = engine.compile({"n": f'import "{module}" {rules}'}, {})
    for content in _others(samples, start):
        assert start_of(content) is not start
        found = compiled.scan(content, {}, ScanLimits()).matches
        assert [terms[match.rule] for match in found] == [], content[:16]


@pytest.mark.parametrize("module", MODULE_FACTS)
@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_facts_are_there(name: str, module: str, samples: Path) -> None:
    """The test above sees facts where there are some."""
    engine = engine_of(name)
    compiled = engine.compile({"n": f'import "{module}" rule r {{ condition: {module}.number_of_sections > 0 }}'}, {})
    file = {"pe": "pe/cli-64/cli-64.exe", "elf": "elf/x86-64/x86-64.elf"}[module]
    assert compiled.scan((samples / file).read_bytes(), {}, ScanLimits()).matches


@pytest.mark.parametrize("name", ENGINE_NAMES)
@pytest.mark.parametrize("flag", ["pe.is_pe", "dotnet.is_dotnet"])
def test_flags_of_modules(name: str, flag: str, samples: Path) -> None:
    """No engine takes an object for a PE that does not begin as one."""
    compiled = engine_of(name).compile({"n": f'import "pe" import "dotnet" rule r {{ condition: {flag} }}'}, {})
    for content in _others(samples, Start.MZ):
        assert not compiled.scan(content, {}, ScanLimits()).matches
    assert compiled.scan((samples / "pe/dotnet/ClrLoader.dll").read_bytes(), {}, ScanLimits()).matches
