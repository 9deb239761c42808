from __future__ import annotations

import hashlib
import mmap
import random
import struct
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pefile
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, find_regions
from sampler.extract.pe import ENTRY_AFTER_BYTES, ENTRY_BEFORE_BYTES
from sampler.limits import MIB
from sampler.model import ContentKind, PartKind, Region, value_of

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]

_ROW_BYTES = 40
_VIRTUAL_SIZE, _ADDRESS, _RAW_SIZE, _RAW_OFFSET = 8, 12, 16, 20


def survey(data: Any) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")


def of_kind(extraction: Extraction, kind: PartKind) -> list[Region]:
    return [region for region in extraction.regions if region.kind is kind]


def codes(extraction: Extraction) -> set[str]:
    return {problem.code for problem in extraction.problems}


def resource_leaves(pe: Any) -> list[tuple[int, int]]:
    leaves: list[tuple[int, int]] = []

    def walk(directory: Any) -> None:
        for entry in directory.entries:
            if hasattr(entry, "directory"):
                walk(entry.directory)
            else:
                row = entry.data.struct
                leaves.append((pe.get_offset_from_rva(row.OffsetToData), row.Size))

    walk(pe.DIRECTORY_ENTRY_RESOURCE)
    return leaves


def version_of(pe: Any) -> dict[str, str]:
    tables = [table for info in pe.FileInfo[0] if info.Key == b"StringFileInfo" for table in info.StringTable]
    return {key.decode(): value.decode() for key, value in tables[0].entries.items()}


def test_agrees_with_pefile_on_real_programs(launchers: list[Path]) -> None:
    """Sections, resources, hashes and version strings of real launchers are those that pefile's full parse finds."""
    for path in launchers:
        oracle = pefile.PE(data=path.read_bytes())
        found = survey(path.read_bytes())
        assert found.problems == (), path
        assert [(region.name, region.offset, region.length) for region in of_kind(found, PartKind.SECTION)] == sorted(
            (
                (row.Name.rstrip(b"\0").decode(), row.PointerToRawData, row.SizeOfRawData)
                for row in oracle.sections
                if row.SizeOfRawData
            ),
            key=lambda row: row[1],
        ), path
        resources = resource_leaves(oracle) if hasattr(oracle, "DIRECTORY_ENTRY_RESOURCE") else []
        assert [(region.offset, region.length) for region in of_kind(found, PartKind.RESOURCE)] == resources, path
        assert value_of(found.fields, "file.pe.imphash") == oracle.get_imphash(), path
        assert (value_of(found.fields, "sampler.file.pe.rich_hash") or "") == oracle.get_rich_header_hash(), path
        assert oracle.get_overlay_data_start_offset() is None
        assert not of_kind(found, PartKind.OVERLAY), path


def test_names_architecture_of_each_launcher(launchers: list[Path]) -> None:
    """The three architectures of the launchers are told apart."""
    found = {value_of(survey(path.read_bytes()).fields, "file.pe.architecture") for path in launchers}
    assert found == {"x86", "x64", "arm64"}


def test_reads_version_strings(launcher: bytes) -> None:
    """Maker and product come from the version resource, as pefile reads them."""
    strings = version_of(pefile.PE(data=launcher))
    fields = survey(launcher).fields
    assert strings["CompanyName"]
    assert value_of(fields, "file.pe.company") == strings["CompanyName"]
    assert value_of(fields, "file.pe.description") == strings["FileDescription"]
    assert value_of(fields, "file.pe.file_version") == strings["FileVersion"]
    assert value_of(fields, "file.pe.original_file_name") == strings["OriginalFilename"]
    assert value_of(fields, "file.pe.product") == strings["ProductName"]


def test_names_resources_by_type_name_and_language(launcher: bytes) -> None:
    """A manifest is ``RT_MANIFEST/1/1033`` and its region holds its XML."""
    manifest = next(region for region in survey(launcher).regions if region.name == "RT_MANIFEST/1/1033")
    assert launcher[manifest.offset : manifest.offset + manifest.length].lstrip(b"\xef\xbb\xbf").startswith(b"<")


@pytest.mark.parametrize("wide", [True, False])
def test_reads_headers_of_both_formats(pe: Build, *, wide: bool) -> None:
    """Architecture, subsystem, compile time and section names come from PE32 and from PE32+ headers."""
    fields = survey(pe(wide=wide, subsystem=2)).fields
    assert value_of(fields, "file.pe.architecture") == ("x64" if wide else "x86")
    assert value_of(fields, "sampler.file.pe.subsystem") == "windows_gui"
    assert value_of(fields, "sampler.file.pe.compile_time") == "2020-09-13T12:26:40Z"
    assert value_of(fields, "file.pe.sections") == (".text",)


def test_entry_point_window_surrounds_the_entry(pe: Build) -> None:
    """The window begins before the entry point's file offset, ends behind it, and is clipped to the file."""
    large = survey(pe(sections=[(b".text", b"\x90" * 0x4000)], entry=0x1000 + 0x2000))
    start = 0x400 + 0x2000 - ENTRY_BEFORE_BYTES
    assert of_kind(large, PartKind.ENTRY_POINT) == [
        Region(PartKind.ENTRY_POINT, "", start, ENTRY_BEFORE_BYTES + ENTRY_AFTER_BYTES)
    ]
    small = survey(pe(sections=[(b".text", b"\x90" * 0x200)], entry=0x1000))
    assert of_kind(small, PartKind.ENTRY_POINT) == [Region(PartKind.ENTRY_POINT, "", 0x200, 0x400)]


@pytest.mark.parametrize("entry", [0x900000, 0x1000 + 0x200, 0xFFFFFFFF])
def test_entry_outside_the_file_is_a_problem(pe: Build, entry: int) -> None:
    """An entry point that no byte of the file is behind has no window and is noted."""
    found = survey(pe(entry=entry))
    assert not of_kind(found, PartKind.ENTRY_POINT)
    assert "entry-point-outside" in codes(found)


def test_overlay_starts_where_pefile_says(pe: Build, launcher: bytes) -> None:
    """Appended bytes are the overlay, to the last one."""
    for file in (pe(overlay=b"appended" * 100), launcher + b"PK\x03\x04" * 50):
        overlay = of_kind(survey(file), PartKind.OVERLAY)
        start = pefile.PE(data=file, fast_load=True).get_overlay_data_start_offset()
        assert overlay == [Region(PartKind.OVERLAY, "", start, len(file) - start)]


def test_certificate_table_is_no_overlay(pe: Build) -> None:
    """The security directory holds a file offset; its bytes are the certificate and not overlay, nor is the padding."""
    file = pe(certificate=b"certificate" * 20)
    found = survey(file)
    [region] = of_kind(found, PartKind.CERTIFICATE)
    assert file[region.offset : region.offset + region.length] == b"certificate" * 20
    assert not of_kind(found, PartKind.OVERLAY)


def test_overlay_around_a_certificate_is_kept(pe: Build) -> None:
    """What stands before and behind the certificate table is overlay, and the table itself is not."""
    file = pe(overlay=b"before" * 100, certificate=b"c" * 64) + b"behind" * 10
    regions = of_kind(survey(file), PartKind.OVERLAY)
    contents = [file[region.offset : region.offset + region.length] for region in regions]
    assert [content.rstrip(b"\0") for content in contents] == [b"before" * 100, b"behind" * 10]


def test_lying_certificate_is_clipped(pe: Build) -> None:
    """A certificate table that claims more than the file has ends with the file, and one beyond it is none."""
    inside_file = survey(pe(overlay=b"x" * 64, directories={4: (0x600, 0xFFFFFFF0)}))
    assert of_kind(inside_file, PartKind.CERTIFICATE) == [Region(PartKind.CERTIFICATE, "", 0x600, 64)]
    assert "range-outside" in codes(inside_file)
    beyond = survey(pe(overlay=b"x" * 64, directories={4: (0xF0000000, 64)}))
    assert not of_kind(beyond, PartKind.CERTIFICATE)
    assert of_kind(beyond, PartKind.OVERLAY) == [Region(PartKind.OVERLAY, "", 0x600, 64)]


def test_lying_section_sizes_are_clipped(pe: Build, inside: Inside) -> None:
    """A section that claims to be larger than the file ends where the file ends, and is noted."""
    file = pe(patches={_RAW_SIZE: struct.pack("<I", 0xFFFFFFFF)})
    found = survey(file)
    inside(found, len(file))
    assert of_kind(found, PartKind.SECTION) == [Region(PartKind.SECTION, ".text", 0x400, 0x200)]
    assert "range-outside" in codes(found)


def test_overlapping_sections_are_noted_and_kept(pe: Build) -> None:
    """Two sections over the same bytes are two regions and one problem that names both."""
    sections = [(b".one", b"1" * 0x400), (b".two", b"2" * 0x200)]
    found = survey(pe(sections=sections, patches={_ROW_BYTES + _RAW_OFFSET: struct.pack("<I", 0x600)}))
    assert [region.name for region in of_kind(found, PartKind.SECTION)] == [".one", ".two"]
    [problem] = [problem for problem in found.problems if problem.code == "overlapping-sections"]
    assert ".one" in problem.detail
    assert ".two" in problem.detail


def test_virtual_sections_have_no_region(pe: Build) -> None:
    """A section without bytes in the file is named among the sections and is no region."""
    sections = [(b".text", b"\x90" * 0x200), (b".bss", b"")]
    found = survey(pe(sections=sections))
    assert [region.name for region in of_kind(found, PartKind.SECTION)] == [".text"]
    assert value_of(found.fields, "file.pe.sections") == (".text", ".bss")


@pytest.mark.parametrize("present", [1, 3000])
def test_survives_65535_sections(pe: Build, inside: Inside, present: int) -> None:
    """A header that claims 65,535 sections, with or without a table to match, costs bounded time and regions."""
    file = pe(sections=[(b"s", b"x" * 16)] * present, rows=65535)
    found = survey(file)
    inside(found, len(file))
    assert 1 <= len(of_kind(found, PartKind.SECTION)) <= 2048
    assert of_kind(found, PartKind.HEADER)


def test_hostile_section_names_are_escaped(pe: Build) -> None:
    """NULs are dropped and what cannot be printed is escaped in a section's name."""
    found = survey(pe(sections=[(b"\x1b[2J\n\xff\0\0", b"x" * 0x200)]))
    assert [region.name for region in of_kind(found, PartKind.SECTION)] == [r"\x1b[2J\n\xff"]


def test_truncated_at_every_power_of_two(launchers: list[Path], inside: Inside) -> None:
    """However much of a program is missing, what is left has a header and regions inside it."""
    for path in launchers[:3]:
        whole = path.read_bytes()
        for size in (1 << power for power in range(len(whole).bit_length())):
            found = survey(whole[:size])
            inside(found, size)
            assert of_kind(found, PartKind.HEADER), (path, size)


def test_what_only_begins_like_a_pe_is_of_unknown_format() -> None:
    """Text with MZ in front has header, tail and windows as any unknown format, and a problem that says why."""
    data = b"MZ, said the letter. " * 1000
    found = survey(data)
    assert {(region.kind, region.offset, region.length) for region in found.regions} >= {
        (PartKind.HEADER, 0, 4096),
        (PartKind.TAIL, len(data) - 4096, 4096),
    }
    assert {region.kind for region in found.regions} <= {PartKind.HEADER, PartKind.TAIL, PartKind.WINDOW}
    assert codes(found) == {"not-a-pe"}


def test_reads_a_mapping_that_can_be_closed_afterwards(launcher: bytes, tmp_path: Path) -> None:
    """A mapped file gives the same answer as its bytes, and nothing keeps the mapping open."""
    path = tmp_path / "mapped.exe"
    path.write_bytes(launcher)
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            assert survey(mapping) == survey(launcher)
        finally:
            mapping.close()


def test_never_copies_a_large_file(pe: Build) -> None:
    """A half-gigabyte overlay is found through a mapping while only a few megabytes are allocated."""
    with tempfile.TemporaryFile() as file:
        file.write(pe())
        file.truncate(512 * MIB)
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        tracemalloc.start()
        try:
            found = survey(mapping)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            mapping.close()
    assert of_kind(found, PartKind.OVERLAY) == [Region(PartKind.OVERLAY, "", 0x600, 512 * MIB - 0x600)]
    assert peak < 8 * MIB


def test_broken_imports_cost_only_the_import_hash(pe: Build) -> None:
    """An import directory that points at nothing leaves every other fact standing."""
    found = survey(pe(directories={1: (0x1000, 0x1000)}))
    assert value_of(found.fields, "file.pe.imphash") is None
    assert value_of(found.fields, "file.pe.architecture") == "x64"


@pytest.mark.parametrize(
    "error", [AttributeError, UnicodeDecodeError("utf-8", b"", 0, 1, ""), RecursionError, KeyError]
)
def test_whatever_pefile_raises_is_a_problem(
    launcher: bytes, monkeypatch: pytest.MonkeyPatch, error: type[Exception] | Exception
) -> None:
    """A file whose headers pefile gives up on is one of unknown format, and why is said."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pefile.PE, "parse_sections", fail)
    found = survey(launcher)
    assert [problem.code for problem in found.problems] == ["not-a-pe"]
    assert of_kind(found, PartKind.HEADER)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 60), headers_only=st.booleans())
def test_mutated_program_never_escapes(
    launcher: bytes, inside: Inside, seed: int, changes: int, *, headers_only: bool
) -> None:
    """Whatever bytes of a real program change, nothing is raised and every region lies inside the file."""
    chance = random.Random(seed)
    file = bytearray(launcher)
    hot = [*range(0x3C, 0x400), *range(85504, 86200)]
    for _ in range(changes):
        place = chance.choice(hot) if headers_only else chance.randrange(len(file))
        file[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    found = survey(bytes(file))
    inside(found, len(file))
    assert found.regions


def test_same_bytes_give_the_same_answer(launcher: bytes) -> None:
    """Nothing is kept between two objects."""
    before = hashlib.sha256(repr(survey(launcher)).encode()).digest()
    survey(b"MZ" + b"\xff" * 4096)
    assert hashlib.sha256(repr(survey(launcher)).encode()).digest() == before
