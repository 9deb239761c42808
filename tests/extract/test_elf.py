from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, find_regions
from sampler.extract.elf_tables import SECTIONS_MAX_COUNT
from sampler.model import ContentKind, PartKind, Region, value_of

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]

CLASSES = pytest.mark.parametrize(("bits", "order"), [(32, "<"), (32, ">"), (64, "<"), (64, ">")])


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-executable")


def of_kind(extraction: Extraction, kind: PartKind) -> list[Region]:
    return [region for region in extraction.regions if region.kind is kind]


def codes(extraction: Extraction) -> set[str]:
    return {problem.code for problem in extraction.problems}


@CLASSES
def test_reads_both_classes_and_byte_orders(elf: Build, bits: int, order: str) -> None:
    """Sections, the loaded segment, and the header's facts are found in all four layouts."""
    content = bytes(range(256)) * 20
    data = elf(bits=bits, order=order, sections=[(".text", 1, content), (".data", 1, b"d" * 32)], entry=0x400800)
    found = survey(data)
    assert found.problems == ()
    sections = {region.name: data[region.offset : region.offset + region.length] for region in found.regions}
    assert sections[".text"] == content
    assert sections[".data"] == b"d" * 32
    assert [region.name for region in of_kind(found, PartKind.SEGMENT)] == ["PT_LOAD/0"]
    start = 84 if bits == 32 else 120
    [entry] = of_kind(found, PartKind.ENTRY_POINT)
    assert (entry.offset, entry.length) == (start + 0x800 - 512, 2048)
    assert value_of(found.fields, "file.elf.header.class") == f"ELF{bits}"
    assert value_of(found.fields, "file.elf.header.type") == "EXEC"
    assert value_of(found.fields, "file.elf.header.entrypoint") == 0x400800
    assert value_of(found.fields, "file.elf.byte_order") == ("Little Endian" if order == "<" else "Big Endian")
    assert value_of(found.fields, "file.elf.architecture") == "x86-64"


def test_reads_the_interpreter_that_runs_this_test() -> None:
    """A real program has a code section, a loaded segment, an entry point and no overlay."""
    data = Path("/proc/self/exe").read_bytes()
    found = survey(data)
    assert found.problems == ()
    assert ".text" in {region.name for region in of_kind(found, PartKind.SECTION)}
    assert of_kind(found, PartKind.SEGMENT)
    assert len(of_kind(found, PartKind.ENTRY_POINT)) == 1
    assert not of_kind(found, PartKind.OVERLAY)
    appended = survey(data + b"appended")
    assert of_kind(appended, PartKind.OVERLAY) == [Region(PartKind.OVERLAY, "", len(data), 8)]


@CLASSES
def test_counts_too_large_for_the_header_are_read_from_the_first_section(elf: Build, bits: int, order: str) -> None:
    """Extended numbering (gABI, e_shnum and e_shstrndx) gives the same sections."""
    plain, extended = (survey(elf(bits=bits, order=order, extended=choice)) for choice in (False, True))
    assert [region.name for region in of_kind(extended, PartKind.SECTION)] == [".text", ".shstrtab"]
    assert of_kind(extended, PartKind.SECTION) == of_kind(plain, PartKind.SECTION)


def test_sections_without_bytes_have_no_region(elf: Build) -> None:
    """SHT_NOBITS occupies no bytes of the file, whatever length it states."""
    found = survey(elf(sections=[(".text", 1, b"x" * 64), (".bss", 8, b"0" * 4096)]))
    assert [region.name for region in of_kind(found, PartKind.SECTION)] == [".text", ".shstrtab"]
    assert not of_kind(found, PartKind.OVERLAY)


def test_object_files_have_no_entry_point(elf: Build) -> None:
    """A relocatable object without an entry address has no window and no problem."""
    found = survey(elf(kind=1, entry=0, load=False))
    assert not of_kind(found, PartKind.ENTRY_POINT)
    assert found.problems == ()
    assert value_of(found.fields, "file.elf.header.type") == "REL"


@pytest.mark.parametrize("entry", [0x10, 0xFFFFFFFFFFFFFFFF, 0x400000 + 0x100000])
def test_entry_outside_is_a_problem(elf: Build, entry: int) -> None:
    """An entry address that no loaded segment holds has no window; one that no signed long holds is no field."""
    found = survey(elf(entry=entry))
    assert not of_kind(found, PartKind.ENTRY_POINT)
    assert "entry-point-outside" in codes(found)
    assert value_of(found.fields, "file.elf.header.entrypoint") == (entry if entry < 2**63 else None)


@CLASSES
def test_lying_counts_cost_bounded_work(elf: Build, inside: Inside, bits: int, order: str) -> None:
    """65,279 sections and 65,534 segments that are not there are noted; those that are there stand."""
    data = elf(bits=bits, order=order, claim_sections=0xFEFF, claim_segments=0xFFFE, overlay=b"o" * 200_000)
    found = survey(data)
    inside(found, len(data))
    assert "elf-table" in codes(found)
    assert len(of_kind(found, PartKind.SECTION)) <= SECTIONS_MAX_COUNT
    assert ".text" in {region.name for region in of_kind(found, PartKind.SECTION)}


def test_lying_sizes_do_not_hide_an_overlay(elf: Build, inside: Inside) -> None:
    """A section that claims to reach beyond the file is clipped, and what is appended is an overlay all the same."""
    plain = elf()
    row = bytearray(plain)
    table = int.from_bytes(plain[40:48], "little")
    row[table + 64 + 32 : table + 64 + 40] = (1 << 40).to_bytes(8, "little")
    data = bytes(row) + b"appended"
    found = survey(data)
    inside(found, len(data))
    assert "range-outside" in codes(found)
    assert of_kind(found, PartKind.OVERLAY) == [Region(PartKind.OVERLAY, "", len(plain), 8)]


@pytest.mark.parametrize("size", [4, 15, 16, 20, 51])
def test_a_header_that_is_cut_off_is_of_unknown_format(elf: Build, size: int) -> None:
    """Without a whole ELF header there are header and tail as of any unknown format, and a problem."""
    found = survey(elf()[:size])
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.TAIL}
    assert "not-an-elf" in codes(found)


def test_truncated_at_every_power_of_two(inside: Inside) -> None:
    """However much of a real program is missing, nothing is raised and regions lie inside what is left."""
    whole = Path("/proc/self/exe").read_bytes()
    for size in (1 << power for power in range(len(whole).bit_length())):
        inside(survey(whole[:size]), size)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    layout=st.sampled_from([(32, "<"), (32, ">"), (64, "<"), (64, ">")]), seed=st.integers(), changes=st.integers(1, 30)
)
def test_mutated_file_never_escapes(
    elf: Build, inside: Inside, layout: tuple[int, str], seed: int, changes: int
) -> None:
    """Whatever bytes of an ELF file change, nothing is raised and every region lies inside it."""
    chance = random.Random(seed)
    bits, order = layout
    data = bytearray(elf(bits=bits, order=order, sections=[(f".s{index}", 1, b"x" * 40) for index in range(5)]))
    for _ in range(changes):
        data[chance.randrange(4, len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
    found = survey(bytes(data))
    inside(found, len(data))
    assert found.regions
