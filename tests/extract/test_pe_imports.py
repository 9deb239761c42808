from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

import pefile
import pytest

from sampler.extract import Extraction, find_regions
from sampler.extract.pe_imports import LIBRARIES_MAX_COUNT, SYMBOLS_MAX_COUNT
from sampler.model import ContentKind, PartKind, value_of

Build = Callable[..., bytes]

ADDRESS = 0x1000
IMPORT, DELAY_IMPORT = 1, 13


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


def import_section(libraries: Sequence[tuple[bytes, Sequence[bytes | int]]], *, wide: bool, base: int = 0) -> bytes:
    """An import table at ``ADDRESS``; with ``base`` a delay-load table of absolute addresses."""
    row_bytes = 32 if base else 20
    layout = "<Q" if wide else "<I"
    flag = 1 << (63 if wide else 31)
    body = bytearray((len(libraries) + 1) * row_bytes)
    for number, (library, symbols) in enumerate(libraries):
        thunks = []
        for symbol in symbols:
            if isinstance(symbol, int):
                thunks.append(flag | symbol)
                continue
            thunks.append(ADDRESS + len(body))
            body += b"\0\0" + symbol + b"\0"
        name = ADDRESS + len(body)
        body += library + b"\0"
        table = ADDRESS + len(body)
        body += b"".join(struct.pack(layout, thunk) for thunk in (*thunks, 0))
        if base:
            row = struct.pack("<8I", 0, name + base, 0, table + base, table + base, 0, 0, 0)
        else:
            row = struct.pack("<5I", table, 0, 0, name, table)
        body[number * row_bytes : (number + 1) * row_bytes] = row
    return bytes(body)


LIBRARIES: Sequence[tuple[bytes, Sequence[bytes | int]]] = (
    (b"KERNEL32.dll", [b"CreateFileW", b"ExitProcess"]),
    (b"WS2_32.dll", [23, 0xFFF0]),
    (b"driver.sys", [b"Run\x1b"]),
    (b"noending", [7]),
)


@pytest.mark.parametrize("wide", [True, False])
def test_names_libraries_symbols_and_ordinals(pe: Build, *, wide: bool) -> None:
    """Both widths of thunks are read, names are made printable, and the hash is pefile's."""
    file = pe(
        sections=[(b".idata", import_section(LIBRARIES, wide=wide))], directories={IMPORT: (ADDRESS, 40)}, wide=wide
    )
    found = survey(file)
    assert value_of(found.fields, "file.pe.imports") == (
        "KERNEL32.dll!CreateFileW",
        "KERNEL32.dll!ExitProcess",
        "WS2_32.dll!#23",
        "WS2_32.dll!#65520",
        r"driver.sys!Run\x1b",
        "noending!#7",
    )
    assert value_of(found.fields, "sampler.file.pe.imports_count") == 6
    assert value_of(found.fields, "sampler.file.pe.import_libraries") == tuple(name.decode() for name, _ in LIBRARIES)
    names = "kernel32.createfilew,kernel32.exitprocess,ws2_32.socket,ws2_32.ord65520,driver.run\x1b,noending.ord7"
    assert value_of(found.fields, "file.pe.imphash") == hashlib.md5(names.encode()).hexdigest()
    assert any(row.kind is PartKind.DIRECTORY and row.name == "import" for row in found.regions)


@pytest.mark.parametrize("wide", [True, False])
def test_the_hash_is_that_of_pefile(pe: Build, *, wide: bool) -> None:
    """Names, known and unknown ordinals, endings that are left out and endings that are not."""
    libraries = [row for row in LIBRARIES if row[0] != b"driver.sys"]
    file = pe(
        sections=[(b".idata", import_section(libraries, wide=wide))], directories={IMPORT: (ADDRESS, 40)}, wide=wide
    )
    assert value_of(survey(file).fields, "file.pe.imphash") == pefile.PE(data=file).get_imphash() != ""


def test_delayed_imports_of_old_linkers_have_absolute_addresses(pe: Build) -> None:
    """They are listed with the others, and have no part in the hash."""
    section = import_section(LIBRARIES[:1], wide=False, base=0x400000)
    found = survey(pe(sections=[(b".didat", section)], directories={DELAY_IMPORT: (ADDRESS, 64)}, wide=False))
    assert value_of(found.fields, "sampler.file.pe.delay_import_libraries") == ("KERNEL32.dll",)
    assert value_of(found.fields, "file.pe.imports") == ("KERNEL32.dll!CreateFileW", "KERNEL32.dll!ExitProcess")
    assert value_of(found.fields, "file.pe.imphash") is None


def test_a_lookup_table_that_is_missing_is_replaced_by_the_address_table(pe: Build) -> None:
    """Old linkers write only the second."""
    section = bytearray(import_section(LIBRARIES[:1], wide=True))
    section[:4] = bytes(4)
    found = survey(pe(sections=[(b".idata", bytes(section))], directories={IMPORT: (ADDRESS, 40)}))
    assert value_of(found.fields, "sampler.file.pe.imports_count") == 2


@pytest.mark.usefixtures("ends_in_moments")
def test_tables_over_each_other_cost_bounded_time_and_no_hash(pe: Build) -> None:
    """A thousand libraries that share one endless table: so many symbols are read and no more."""
    rows = 2000
    thunks = ADDRESS + rows * 20
    section = struct.pack("<5I", thunks, 0, 0, thunks, thunks) * rows + struct.pack("<Q", 1 << 63 | 1) * 3000
    file = pe(sections=[(b".idata", section)], directories={IMPORT: (ADDRESS, 40)})
    found = survey(file)
    assert value_of(found.fields, "sampler.file.pe.imports_count") == SYMBOLS_MAX_COUNT
    assert value_of(found.fields, "file.pe.imphash") is None
    assert "imports" in codes(found)


def test_more_libraries_than_the_ceiling_are_noted(pe: Build) -> None:
    """They are counted up to it, each with its own symbol."""
    libraries = [(b"a.dll", [1])] * (LIBRARIES_MAX_COUNT + 5)
    file = pe(sections=[(b".idata", import_section(libraries, wide=True))], directories={IMPORT: (ADDRESS, 40)})
    found = survey(file)
    assert value_of(found.fields, "sampler.file.pe.imports_count") == LIBRARIES_MAX_COUNT
    assert codes(found) == ["imports"]


@pytest.mark.parametrize("address", [ADDRESS + 0x1FF, 0x900000, 0xFFFFFFFF])
def test_a_table_outside_the_file_is_noted(pe: Build, address: int) -> None:
    """What has no bytes has no symbols, and the rest of the file stands."""
    found = survey(pe(directories={IMPORT: (address, 40)}))
    assert "imports" in codes(found)
    assert value_of(found.fields, "file.pe.imphash") is None
    assert any(row.kind is PartKind.SECTION for row in found.regions)


def test_long_lists_are_cut_for_a_field_and_counted_in_full(pe: Build) -> None:
    """The field has what fits; the number and the hash are of all."""
    libraries = [(b"library.dll", [b"function_%04d" % number for number in range(2000)])]
    file = pe(sections=[(b".idata", import_section(libraries, wide=True))], directories={IMPORT: (ADDRESS, 40)})
    fields = survey(file).fields
    shown = value_of(fields, "file.pe.imports")
    assert isinstance(shown, tuple)
    assert 0 < len(shown) < 2000
    assert sum(map(len, shown)) <= 8192
    assert value_of(fields, "sampler.file.pe.imports_count") == 2000
    assert value_of(fields, "file.pe.imphash") == pefile.PE(data=file).get_imphash()
