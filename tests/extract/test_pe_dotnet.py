"""What is told of .NET programs, with metadata built field by field."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, find_regions
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]

ADDRESS, OFFSET = 0x1000, 0x400
CLR = 14
MVID = UUID("01234567-89ab-cdef-0123-456789abcdef")
STRINGS = b"\0sample.dll\0Sample\x1b\0"
IL_ONLY, NATIVE = 1, 0


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.LIBRARY, "application/x-dosexec")


def field(found: Extraction, name: str) -> FieldValue | None:
    return value_of(found.fields, f"sampler.file.pe.dotnet.{name}")


def tables(*, wide: bool = False, before: Mapping[int, tuple[int, int]] | None = None) -> bytes:
    """A table stream with a Module and an Assembly row; ``before`` has other tables: rows, and bytes of a row."""
    index = "I" if wide else "H"
    rows = {0x00: (1, struct.pack(f"<H{index * 4}", 0, 1, 1, 0, 0))}
    for number, (count, size) in (before or {}).items():
        rows[number] = (count, bytes(count * size))
    rows[0x20] = (1, struct.pack(f"<IHHHHI{index * 3}", 0x8004, 1, 2, 3, 4, 0, 0, 12, 0))
    present = sum(1 << number for number in rows)
    head = struct.pack("<IBBBBQQ", 0, 2, 0, 7 if wide else 0, 1, present, 0)
    ordered = [rows[number] for number in sorted(rows)]
    return head + b"".join(struct.pack("<I", count) for count, _ in ordered) + b"".join(data for _, data in ordered)


def metadata(streams: Mapping[bytes, bytes], *, claimed: int | None = None) -> bytes:
    """A metadata root with its streams."""
    version = b"v4.0.30319\0\0"
    names = {name: (name + b"\0").ljust(len(name) + 4 & ~3, b"\0") for name in streams}
    offset = 16 + len(version) + 4 + sum(8 + len(name) for name in names.values())
    heads, body = b"", b""
    for name, data in streams.items():
        heads += struct.pack("<II", offset + len(body), len(data)) + names[name]
        body += data
    count = len(streams) if claimed is None else claimed
    root = struct.pack("<4sHHII", b"BSJB", 1, 1, 0, len(version)) + version + struct.pack("<HH", 0, count)
    return root + heads + body


def section(data: bytes, *, flags: int = IL_ONLY) -> bytes:
    """A CLR header with the metadata behind it, for ``ADDRESS``."""
    head = struct.pack("<IHHIIIIII", 72, 2, 5, ADDRESS + 72, len(data), flags, 0, 0, 0)
    return head.ljust(72, b"\0") + data


def streams_of(table_stream: bytes) -> dict[bytes, bytes]:
    return {b"#~": table_stream, b"#Strings": STRINGS, b"#GUID": MVID.bytes_le, b"#Blob": b"\0"}


@pytest.fixture
def dotnet(pe: Build) -> Build:
    """Builds a .NET program around its section."""

    def build(data: bytes) -> bytes:
        return pe(sections=[(b".text", data)], entry=0, directories={CLR: (ADDRESS, 72)})

    return build


BEFORE = {
    0x01: (70_000, 4 + 2 + 2),  # TypeRef: more rows than an index of two bytes and two bits can tell
    0x02: (3, 4 + 2 + 2 + 4 + 2 + 2),
    0x06: (5, 4 + 2 + 2 + 2 + 2 + 2),
    0x0A: (2, 4 + 2 + 2),  # its parent may be a TypeRef
    0x0C: (4, 4 + 2 + 2),  # so may what an attribute is of
}


@pytest.mark.parametrize(
    "table_stream", [tables(), tables(wide=True), tables(before=BEFORE)], ids=["narrow", "wide heaps", "many rows"]
)
def test_module_and_assembly_are_found_whatever_lies_before_them(dotnet: Build, table_stream: bytes) -> None:
    """The widths of rows follow from the heaps and from how many rows other tables have."""
    found = survey(dotnet(section(metadata(streams_of(table_stream)))))
    assert field(found, "module") == "sample.dll"
    assert field(found, "mvid") == str(MVID)
    assert field(found, "assembly") == r"Sample\x1b"
    assert field(found, "assembly_version") == "1.2.3.4"
    assert found.problems == ()


@pytest.mark.parametrize(("flags", "mixed"), [(IL_ONLY, False), (NATIVE, True)])
def test_mixed_mode_is_told(dotnet: Build, flags: int, *, mixed: bool) -> None:
    """A program that is not for the runtime alone has native code in it."""
    found = survey(dotnet(section(metadata(streams_of(tables())), flags=flags)))
    assert field(found, "is_mixed_mode") is mixed
    assert field(found, "clr_header") == "2.5"
    assert field(found, "runtime") == "v4.0.30319"


def test_streams_are_regions(dotnet: Build) -> None:
    """Each with its name, and the metadata as a whole."""
    data = metadata(streams_of(tables()))
    file = dotnet(section(data))
    found = survey(file)
    regions = {row.name: file[row.offset : row.offset + row.length] for row in found.regions if row.name}
    assert regions["#Strings"] == STRINGS
    assert regions["#GUID"] == MVID.bytes_le
    assert regions["clr-metadata"] == data
    assert field(found, "streams") == ("#~", "#Strings", "#GUID", "#Blob")


def test_a_native_program_has_no_such_fields(pe: Build) -> None:
    """Nothing is said where there is no CLR header."""
    assert not [row for row in survey(pe()).fields if ".dotnet." in row.name]


@pytest.mark.parametrize(
    "data",
    [
        section(b"BSJX" + bytes(60)),
        section(b"BSJB"),
        section(metadata({b"#~": bytes(4), b"#Strings": STRINGS})),
        section(metadata({b"#~": struct.pack("<IBBBBQQ", 0, 2, 0, 0, 1, 2**64 - 1, 0), b"#Strings": STRINGS})),
        struct.pack("<IHHII", 72, 2, 5, 0xFFFFFFF0, 100).ljust(72, b"\0"),
    ],
    ids=["no mark", "cut root", "cut tables", "all tables", "metadata outside"],
)
def test_metadata_that_is_damaged_is_noted(dotnet: Build, data: bytes) -> None:
    """It costs what is behind it, and the header stands."""
    found = survey(dotnet(data))
    assert "dotnet" in {problem.code for problem in found.problems}
    assert field(found, "clr_header") == "2.5"
    assert field(found, "assembly") is None


def test_more_streams_than_there_are_is_no_loop(dotnet: Build, inside: Inside) -> None:
    """Heads are read as far as the count and the section go."""
    file = dotnet(section(metadata(streams_of(tables()), claimed=0xFFFF)))
    found = survey(file)
    inside(found, len(file))
    assert field(found, "assembly_version") == "1.2.3.4"
    assert sum(row.kind is PartKind.STREAM for row in found.regions) <= 32


def test_a_library_of_a_package() -> None:
    """What dnfile 0.18 reads of it."""
    found = survey((shipped("samples_fixture") / "pe" / "dotnet" / "ClrLoader.dll").read_bytes())
    assert field(found, "module") == "ClrLoader.dll"
    assert field(found, "mvid") == "348d3d8c-9fb0-467d-9404-8fd6e4addae8"
    assert field(found, "assembly") == "ClrLoader"
    assert field(found, "assembly_version") == "1.0.0.0"
    assert field(found, "is_mixed_mode") is True


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 250), data=st.binary(min_size=1, max_size=24))
def test_changed_metadata_never_escapes(dotnet: Build, inside: Inside, place: int, data: bytes) -> None:
    """Whatever bytes of it change, regions lie inside the file."""
    body = bytearray(section(metadata(streams_of(tables()))))
    body[place : place + len(data)] = data
    file = dotnet(bytes(body))
    inside(survey(file), len(file))
