"""No engine finds a fact of a module in an object that is not of the module's format."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sampler.scan.engine import Engine, ScanLimits
from sampler.scan.engines import ENGINE_NAMES, engine_of
from sampler.scan.module_facts import INTEGER_FACTS, MODULE_FACTS, MODULE_STARTS, undefined_without, untrue_without
from sampler.scan.rule_files import RuleFileError
from sampler.scan.starts import Start, start_of

_FORMS: Final = (
    "{}", "not {}", "not ({})", "{} == 0", "not {} == 0", "{} == 1", "{} != 0", "{} != 1", "{} < 1", "{} >= 0",
    '{} == ""', '{} != "x"', '{} contains ""', "{} matches /.*/",
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


@pytest.mark.parametrize("name", ENGINE_NAMES)
@pytest.mark.parametrize(
    "call",
    ['exports("a")', "exports(1)", "exports(/./)", 'imports("a", "b")', 'imports("a", 1)', 'imports("a")',
     "imports(/./, /./)", 'imports(pe.IMPORT_ANY, "a", "b")'],
)  # fmt: skip
def test_calls(name: str, call: str, samples: Path) -> None:
    """No engine finds that an object imports or exports anything that does not begin as a PE."""
    compiled = engine_of(name).compile({"n": f'import "pe" rule r {{ condition: pe.{call} }}'}, {})
    for content in _others(samples, Start.MZ):
        assert not compiled.scan(content, {}, ScanLimits()).matches


@pytest.mark.parametrize("module", MODULE_FACTS)
@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_integers(name: str, module: str) -> None:
    """Facts that are said to be integers can be calculated with."""
    engine = engine_of(name)
    start, facts = MODULE_FACTS[module]
    assert MODULE_STARTS[module] is start
    assert INTEGER_FACTS[module] <= facts
    refused = {fact for fact in INTEGER_FACTS[module] if not _takes(engine, module, f"{module}.{fact} & 1 == 1")}
    assert refused == set()


@pytest.mark.parametrize(
    ("term", "undefined", "untrue"),
    [
        ("pe . machine == 1", Start.MZ, Start.MZ),
        ("pe . is_dll ( )", Start.MZ, Start.MZ),
        ("elf . type", Start.ELF, Start.ELF),
        ("pe . is_pe", None, Start.MZ),
        ("dotnet . is_dotnet", None, Start.MZ),
        ("pe . exports ( x )", None, Start.MZ),
        ("pe . exports ( x ) == 0", None, None),
        ("pe . exports ( x ) + ( 1 )", None, None),
        ("pe . is_pe == 0", None, None),
        ("pe . machine of them", None, None),
        ("with a = pe . machine : ( a )", None, None),
        ("pe . MACHINE_I386", None, None),
        ("dotnet . number_of_streams", None, None),
        ("machine == 1", None, None),
        ("pe", None, None),
        ("", None, None),
    ],
)
def test_terms(term: str, undefined: Start | None, untrue: Start | None) -> None:
    """A term is known to say nothing if it begins with a fact and binds nothing."""
    assert (undefined_without(term.split()), untrue_without(term.split())) == (undefined, untrue)
