"""What rules need an object to begin with."""

from __future__ import annotations

from typing import Final

import pytest

from sampler.scan.applying import Prefixes, applies, needs_of
from sampler.scan.source import outline
from sampler.scan.starts import HEAD_BYTES, Start, start_of

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
        ("not pe.is_dll()", MZ),
        ("$a and not pe.number_of_signatures > 0", MZ),
        ("not (pe.number_of_signatures > 0) and $a", MZ),
        ('$a and pe.exports("a")', MZ),
        ('pe.imports("a", "b") and $a', MZ),
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
        "not pe.is_pe",
        "not dotnet.is_dotnet",
        'not pe.exports("a")',
        "not (pe.is_dll() and $a)",
        "not (pe.is_dll() or $a)",
        "not pe.number_of_sections of them",
        "not not pe.is_dll()",
        'pe.exports("a") + 0 == 0',
        'pe.exports("a") or $a',
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
