"""Made-up rules over made-up objects, cut down to the object's kind and whole: nothing may tell the two apart.

The bytes of an input are choices: for each of three rules its modifier and its condition, out of the terms and
operators below. What is left is the end of every object; they begin in all the ways that may make a difference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.target import Target
from sampler.errors import RulesError, ScanError
from sampler.scan import RuleSet, RuleSettings, ScanLimits

_STARTS: Final = (
    b"", b"MZ", b"M", b"\x7fELF", b"\x7f", b"ZM", b"PK\x03\x04", b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0",
    b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0", b"\x7fELF\x01\x02\x01", b"\xcf\xfa\xed\xfe", b"$",
    b"Rar!", b"%PDF", b"{\\rt", b"P", b"PK", b"\xd0\xcf\x11\xe0", b"\xd0\xcf",
)  # fmt: skip
_MODIFIERS: Final = ("", "", "", "private ", "global ", "private global ")
_TERMS: Final = (
    "true", "false", "$_a", "#_a == 0", "any of them", "none of them", "0 of them", "$_a at 0", "filesize > 4", "r0",
    "r1", "any of (r*)", "uint16(0) == 0x5A4D", "0x5a4d == uint16(0)", "uint16be(0) == 0x4D5A", "uint16(0) == 23117",
    "uint16(0) == 023117", "uint8(0) == 0x4d", "uint32(0) == 0x464c457f", "uint32be(0) == 0x7F454C46",
    "uint16(0) != 0x5A4D", "uint16(1) == 0x5A4D", "uint16(0) == 0x15A4D", "int16(0) == 0x5A4D", "uint16(0) == 1KB",
    "uint32(uint32(0x3C)) == 0x4550", "uint16(0) + 1 == 0x5A4E", "uint16(0) == filesize", "pe.is_pe", "pe.is_pe == 0",
    "pe.is_pe == 1", "pe.is_dll()", "pe.is_dll() == 0", "pe.number_of_sections == 0", "pe.number_of_sections < 4",
    "pe.entry_point >= 0", "pe.entry_point == entrypoint", 'pe.imphash() == ""', 'pe.sections[0].name == ""',
    "pe.characteristics & pe.DLL == 0", "pe.machine != pe.MACHINE_AMD64", "pe.MACHINE_I386 == 0x14c",
    "pe.subsystem == 0", "for any s in pe.sections : ( s.raw_data_size >= 0 )",
    "for all s in pe.sections : ( false )", "for none s in pe.sections : ( true )",
    "for all i in (0..pe.number_of_sections) : ( true )", "pe.number_of_sections of them",
    "pe.number_of_sections == 0 of them", "defined pe.entry_point", "not defined pe.entry_point",
    "pe.data_directories[0].size == 0", "pe.number_of_resources == 0", "pe.checksum == 0",
    "pe.calculate_checksum() == 0", 'pe.exports("a")', 'pe.imports("a", "b")', 'pe.imports("a") == 0',
    "pe.linker_version.major == 0", "pe.rva_to_offset(0) == 0", 'pe.version_info["a"] == ""',
    "pe.number_of_signatures == 0", 'pe.pdb_path == ""', "elf.type == elf.ET_EXEC", "elf.type == 0",
    "elf.number_of_sections == 0", "elf.number_of_segments < 9", "elf.machine == elf.EM_X86_64",
    "elf.entry_point >= 0", "elf.ET_EXEC == 2", "not defined elf.type", "for any s in elf.sections : ( true )",
    'elf.telfhash() == ""', "elf.dynsym_entries == 0", "dotnet.is_dotnet", "dotnet.number_of_streams == 0",
    "math.entropy(0, filesize) >= 0.0", "hash.crc32(0, 2) != 1", 'extension == ".exe"', "entrypoint == 0",
    "$_a at pe.entry_point", "$_a in (0..pe.size_of_image)", "#_a in (0..pe.machine) == 0", "@_a[pe.machine] == 0",
    "not pe.is_dll()", 'pe.imphash() != "x"', 'not pe.exports("a")', "filesize > pe.entry_point",
    "pe.machine == elf.type",
    "for any of them : ( $ at pe.entry_point )", "for none i in (1, 2) : ( pe.machine == i )",
    "for any i in (0..pe.number_of_sections) : ( pe.sections[i].name == \"x\" or true )",
    "for any pe in (1, 2) : ( pe == 1 )", "not dotnet.is_dotnet", "for all of them : ( not elf.type == 1 )",
    "uint16be(0) == 0x504B", "uint32(0) == 0x04034b50", "uint32be(0) == 0x25504446", "uint32(0) == 0x21726152",
    "uint32be(0) == 0xD0CF11E0", "uint16be(0) == 0xD0CF", "uint8(0) == 0x50", "uint32be(0) == 0x7B5C7274",
)  # fmt: skip
_MODULES: Final = ("pe", "elf", "dotnet", "math", "hash")
_DEPTH_MAX: Final = 3
_LIMITS: Final = ScanLimits(timeout_seconds=5)
_RULES: Final = 3


def one_input(data: bytes) -> None:
    """The same rules are there, and they match the same, or the engine's one documented error."""
    choices = iter(data)
    rules = "".join(_rule(number, choices) for number in range(_RULES))
    text = "".join(f'import "{name}"\n' for name in _MODULES if f"{name}." in rules) + rules
    rest = bytes(choices)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        Path(name, "made.yar").write_text(text)
        try:
            cut, whole = (RuleSet.load(RuleSettings((Path(name),), split=split)) for split in (True, False))
        except RulesError:
            return
    assert (cut.version, cut.rule_count, cut.problems) == (whole.version, whole.rule_count, whole.problems)
    for start in _STARTS:
        _compare(cut, whole, start + rest)


def _compare(cut: RuleSet, whole: RuleSet, content: bytes) -> None:
    try:
        assert cut.run(content, {}, _LIMITS) == whole.run(content, {}, _LIMITS)
    except ScanError:
        return


def _rule(number: int, choices: Iterator[int]) -> str:
    modifier = _MODIFIERS[next(choices, 0) % len(_MODIFIERS)]
    condition = _condition(choices, _DEPTH_MAX)
    return f'{modifier}rule r{number} {{ strings: $_a = "MZ" condition: {condition} }}\n'


def _condition(choices: Iterator[int], depth: int) -> str:
    """A term, or up to four operators over smaller conditions; a choice that is not there any more is the first."""
    choice = next(choices, 0)
    if depth == 0 or choice < 0x90:
        return _TERMS[choice % len(_TERMS)]
    first = _condition(choices, depth - 1)
    if choice < 0xA0:
        return f"not {first}"
    if choice < 0xB0:
        return f"({first})"
    second = _condition(choices, depth - 1)
    return f"{first} or {second}" if choice < 0xC8 else f"{first} and {second}"


def _seeds() -> Iterator[bytes]:
    for term in range(0, len(_TERMS), 4):
        yield bytes([0, 0xD0, term, term + 1, 0, 0xC0, term + 2, 9, 2, 0xD0, 10, 0x90, term + 3]) + b"MZ rest"


TARGET: Final = Target(one_input, _seeds, max_bytes=512, cpu_max_seconds=10)
