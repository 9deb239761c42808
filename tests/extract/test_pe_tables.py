"""Exports, debug data, TLS callbacks, certificates, and the regions of data directories."""

from __future__ import annotations

import struct
from collections.abc import Callable
from uuid import UUID

import pytest

from sampler.extract import Extraction, find_regions
from sampler.extract.pe_tls import CALLBACKS_MAX_COUNT
from sampler.model import ContentKind, FieldValue, PartKind, Region, value_of

Build = Callable[..., bytes]

ADDRESS, OFFSET = 0x1000, 0x400
BASE_32, BASE_64 = 0x400000, 0x140000000
EXPORT, CERTIFICATE, DEBUG, TLS, IAT = 0, 4, 6, 9, 12
ALL_ONES = 0xFFFFFFFF


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")


def field(found: Extraction, name: str) -> FieldValue | None:
    return value_of(found.fields, name)


def named(found: Extraction, kind: PartKind, prefix: str = "") -> list[Region]:
    return [row for row in found.regions if row.kind is kind and row.name.startswith(prefix) and row.name]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


def exports(names: list[bytes], *, forward: bytes = b"", functions: int | None = None) -> bytes:
    """An export table at ``ADDRESS``; the first function is passed on to ``forward``."""
    head, texts = 40, bytearray()
    tables = head + 8 * len(names)

    def text(value: bytes) -> int:
        texts.extend(value + b"\0")
        return ADDRESS + tables + len(texts) - len(value) - 1

    places = [text(name) for name in names]
    addresses = [text(forward) if forward else 0x2000, *(0x2000 + number for number in range(1, len(names)))]
    library = text(b"library\x07.dll")
    count = len(names) if functions is None else functions
    row = (0, 0, 0, library, 1, count, len(names), ADDRESS + head, ADDRESS + head + 4 * len(names), 0)
    return struct.pack("<10I", *row) + struct.pack(f"<{2 * len(names)}I", *addresses, *places) + bytes(texts)


def with_section(pe: Build, data: bytes, index: int, *, wide: bool = True, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return pe(sections=[(b".rdata", data)], directories={index: (ADDRESS, size)}, wide=wide)


def test_exports_have_names_a_number_and_what_is_passed_on(pe: Build) -> None:
    """A function whose address lies inside the table is a text: the function of another library."""
    found = survey(with_section(pe, exports([b"Run", b"Stop"], forward=b"OTHER.Run"), EXPORT))
    assert field(found, "file.pe.exports") == ("Run", "Stop")
    assert field(found, "sampler.file.pe.exports_count") == 2
    assert field(found, "sampler.file.pe.export_name") == r"library\x07.dll"
    assert field(found, "sampler.file.pe.forwards") == ("OTHER.Run",)
    assert [row.name for row in named(found, PartKind.DIRECTORY)] == ["export"]


def test_an_export_table_that_claims_all_numbers_is_clipped(pe: Build) -> None:
    """Four billion functions are those that the file has bytes for."""
    found = survey(with_section(pe, exports([b"Run"], functions=ALL_ONES), EXPORT))
    assert "exports" in codes(found)
    assert field(found, "file.pe.exports") == ("Run",)


def debug_entry(kind: int, length: int, offset: int) -> bytes:
    return struct.pack("<IIHHIIII", 0, 0, 0, 0, kind, length, ADDRESS, offset)


def test_the_pdb_of_a_codeview_record(pe: Build) -> None:
    """Its path is made printable, and its identity is written as symbol servers write it."""
    guid = UUID("01234567-89ab-cdef-0123-456789abcdef")
    record = b"RSDS" + guid.bytes_le + struct.pack("<I", 26) + b"C:\\build\\sample\x1b.pdb\0"
    data = debug_entry(2, len(record), OFFSET + 28) + record
    found = survey(with_section(pe, data, DEBUG, length=28))
    assert field(found, "sampler.file.pe.pdb") == r"C:\build\sample\x1b.pdb"
    assert field(found, "sampler.file.pe.pdb_id") == "0123456789ABCDEF0123456789ABCDEF1A"
    [region] = named(found, PartKind.DIRECTORY, "debug:")
    assert (region.name, region.offset, region.length) == ("debug:codeview", OFFSET + 28, len(record))


def test_the_pdb_of_an_old_record(pe: Build) -> None:
    """NB10 has a time stamp where newer ones have a GUID."""
    record = b"NB10" + struct.pack("<III", 0, 0x1234ABCD, 2) + b"old.pdb\0"
    found = survey(with_section(pe, debug_entry(2, len(record), OFFSET + 28) + record, DEBUG, length=28))
    assert field(found, "sampler.file.pe.pdb") == "old.pdb"
    assert field(found, "sampler.file.pe.pdb_id") == "1234ABCD2"


@pytest.mark.parametrize("record", [b"RSDS", b"NB10" + bytes(4), b"XXXX" + bytes(60), b""])
def test_a_record_of_another_kind_has_no_pdb(pe: Build, record: bytes) -> None:
    """What is cut off or unknown says nothing."""
    found = survey(with_section(pe, debug_entry(2, len(record), OFFSET + 28) + record, DEBUG, length=28))
    assert field(found, "sampler.file.pe.pdb") is None


def test_a_reproducible_build_says_that_its_time_is_none(pe: Build) -> None:
    """The row has no data; it is the whole message."""
    found = survey(with_section(pe, debug_entry(16, 0, 0), DEBUG))
    assert field(found, "sampler.file.pe.compile_time_sanity") == "reproducible-build"
    assert field(found, "sampler.file.pe.debug") == ("repro",)


def tls(callbacks: list[int], *, wide: bool) -> bytes:
    """A TLS directory at ``ADDRESS`` with its callbacks behind it."""
    layout, base = ("<Q", BASE_64) if wide else ("<I", BASE_32)
    width = struct.calcsize(layout)
    rows = [0, 0, 0, base + ADDRESS + 5 * width, 0, *(base + callback for callback in callbacks)]
    return b"".join(struct.pack(layout, row) for row in rows) + bytes(width)


@pytest.mark.parametrize("wide", [True, False])
def test_each_callback_has_a_window(pe: Build, *, wide: bool) -> None:
    """They run before the entry point; their windows are like its own."""
    data = tls([ADDRESS + 0x1000, ADDRESS + 0x1800], wide=wide).ljust(0x3000, b"\x90")
    found = survey(with_section(pe, data, TLS, wide=wide, length=40))
    windows = named(found, PartKind.ENTRY_POINT)
    assert [(row.name, row.offset, row.length) for row in windows] == [
        ("tls:0", OFFSET + 0x1000 - 512, 2048),
        ("tls:1", OFFSET + 0x1800 - 512, 2048),
    ]
    assert field(found, "sampler.file.pe.tls_callbacks_count") == 2
    assert field(found, "sampler.file.pe.tls_callbacks") == ("0x2000", "0x2800")


def test_callbacks_outside_the_file_are_counted(pe: Build) -> None:
    """Their addresses are told; they have no window, and one problem is enough for all of them."""
    found = survey(with_section(pe, tls([ADDRESS, 0x900000, 0xA00000], wide=True), TLS))
    assert [row.name for row in named(found, PartKind.ENTRY_POINT)] == ["tls:0"]
    assert field(found, "sampler.file.pe.tls_callbacks_count") == 3
    assert codes(found) == ["tls"]


def test_callbacks_end_at_a_ceiling(pe: Build) -> None:
    """A table without an end costs so many windows and no more."""
    found = survey(with_section(pe, tls([ADDRESS] * 500, wide=True), TLS))
    assert len(named(found, PartKind.ENTRY_POINT)) == CALLBACKS_MAX_COUNT
    assert codes(found) == ["tls"]


def test_a_directory_without_callbacks_says_zero(pe: Build) -> None:
    """Data of threads alone is nothing odd."""
    found = survey(with_section(pe, bytes(64), TLS))
    assert field(found, "sampler.file.pe.tls_callbacks_count") == 0
    assert not codes(found)


def test_each_certificate_of_several_is_a_region(pe: Build) -> None:
    """The table is one region, as it is for a single entry, and each of several is one besides."""
    entries = struct.pack("<IHH", 24, 0x200, 2) + bytes(16) + struct.pack("<IHH", 13, 0x100, 1) + bytes(8)
    found = survey(pe(certificate=entries))
    rows = [row for row in found.regions if row.kind is PartKind.CERTIFICATE]
    assert [(row.name, row.length) for row in rows] == [("", 40), ("0", 24), ("1", 13)]
    assert field(found, "sampler.file.pe.certificates") == ("pkcs-signed-data 2.0 24 bytes", "x509 1.0 13 bytes")


@pytest.mark.parametrize("length", [0, 7])
def test_a_certificate_shorter_than_its_own_head_ends_the_walk(pe: Build, length: int) -> None:
    """A length that leads nowhere is no loop."""
    found = survey(pe(certificate=struct.pack("<IHH", length, 0x200, 2) + bytes(56)))
    assert field(found, "sampler.file.pe.certificates") is None
    assert codes(found) == ["certificate"]


def test_a_directory_is_clipped_to_its_section(pe: Build) -> None:
    """It does not reach over what the loader would not map there."""
    found = survey(pe(sections=[(b".a", bytes(0x200)), (b".b", bytes(0x200))], directories={IAT: (0x1100, 0x900)}))
    assert [(row.name, row.offset, row.length) for row in named(found, PartKind.DIRECTORY)] == [("iat", 0x500, 0x100)]
    assert codes(found) == ["directory-outside"]


def test_a_directory_in_the_headers_is_found(pe: Build) -> None:
    """Bound imports lie there."""
    found = survey(pe(directories={11: (0x300, 0x40)}))
    assert [(row.name, row.offset, row.length) for row in named(found, PartKind.DIRECTORY)] == [
        ("bound-import", 0x300, 0x40)
    ]
