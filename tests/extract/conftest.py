"""Builders of tiny PE and ELF files, field by field, so that a test can make any of them lie; and real launchers."""

from __future__ import annotations

import importlib
import importlib.util
import struct
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sampler.extract import Extraction
from sampler.runtime.places import shipped

HEADER_BYTES = 0x400
ALIGNMENT = 0x200

Row = tuple[int, int]
Tree = Mapping[int | str, "Tree | bytes"]


def _padded(data: bytes, unit: int) -> bytes:
    return data + b"\0" * (-len(data) % unit)


def build_pe(
    *,
    sections: Sequence[tuple[bytes, bytes]] = ((b".text", b"\x90" * 0x200),),
    entry: int = 0x1000,
    directories: Mapping[int, Row] | None = None,
    certificate: bytes = b"",
    overlay: bytes = b"",
    rows: int | None = None,
    patches: Mapping[int, bytes] | None = None,
    wide: bool = True,
    flags: int = 0x22,
    subsystem: int = 3,
) -> bytes:
    """A PE whose n-th section lies at address ``0x1000 * (n + 1)``; ``patches`` overwrite bytes of its section table.

    ``rows`` is what the header says of the number of sections; ``certificate`` goes behind ``overlay``.
    """
    optional_bytes = (112 if wide else 96) + 16 * 8
    header_bytes = -(-(64 + 24 + optional_bytes + 40 * len(sections)) // HEADER_BYTES) * HEADER_BYTES
    table, body = b"", b""
    for index, (name, data) in enumerate(sections):
        raw = _padded(data, ALIGNMENT)
        start = header_bytes + len(body)
        table += struct.pack(
            "<8sIIIIIIHHI", name, len(data), 0x1000 * (index + 1), len(raw), start, 0, 0, 0, 0, 0x60000020
        )
        body += raw
    patched = bytearray(table)
    for offset, data in (patches or {}).items():
        patched[offset : offset + len(data)] = data
    end = header_bytes + len(body) + len(overlay)
    places = dict(directories or {})
    if certificate:
        end += -end % 8
        places[4] = (end, len(certificate))
    dos = struct.pack("<2s58xI", b"MZ", 64)
    machine = 0x8664 if wide else 0x14C
    file_header = struct.pack(
        "<4sHHIIIHH", b"PE\0\0", machine, len(sections) if rows is None else rows, 1_600_000_000, 0, 0,
        optional_bytes, flags,
    )  # fmt: skip
    image_bytes = 0x1000 * (len(sections) + 1)
    optional = struct.pack(
        "<HBBIIIII" + ("Q" if wide else "II") + "II6HIIIIHH" + ("QQQQ" if wide else "IIII") + "II",
        0x20B if wide else 0x10B, 14, 0, 0x200, 0, 0, entry, 0x1000, *((0x140000000,) if wide else (0x1000, 0x400000)),
        0x1000, ALIGNMENT, 6, 0, 0, 0, 6, 0, 0, image_bytes, header_bytes, 0, subsystem, 0, 0x100000, 0x1000,
        0x100000, 0x1000, 0, 16,
    )  # fmt: skip
    optional += b"".join(struct.pack("<II", *places.get(index, (0, 0))) for index in range(16))
    head = _padded(dos + file_header + optional + bytes(patched), header_bytes)
    file = head + body + overlay
    return _padded(file, 8) + certificate if certificate else file


def build_resources(tree: Tree, address: int) -> bytes:
    """A resource section at ``address`` whose tree has integers or texts for names and bytes for leaves."""
    tables = bytearray()
    texts: dict[str, int] = {}
    pending: list[tuple[int, Tree | bytes]] = []

    def place(node: Tree) -> int:
        start = len(tables)
        tables.extend(struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(node)) + b"\0" * 8 * len(node))
        for index, (name, below) in enumerate(node.items()):
            at = start + 16 + 8 * index
            if isinstance(name, str):
                texts.setdefault(name, 0)
                names.append((at, name))
            else:
                struct.pack_into("<I", tables, at, name)
            if isinstance(below, bytes):
                pending.append((at + 4, below))
            else:
                struct.pack_into("<I", tables, at + 4, 0x80000000 | place(below))
        return start

    names: list[tuple[int, str]] = []
    place(tree)
    leaves = [(at, data) for at, data in pending if isinstance(data, bytes)]
    for at, data in leaves:
        struct.pack_into("<I", tables, at, len(tables))
        tables.extend(struct.pack("<IIII", 0, len(data), 0, 0))
    for at, text in names:
        struct.pack_into("<I", tables, at, 0x80000000 | len(tables))
        tables.extend(struct.pack("<H", len(text)) + text.encode("utf-16-le"))
        tables.extend(b"\0" * (-len(tables) % 4))
    for at, data in leaves:
        entry = struct.unpack_from("<I", tables, at)[0]
        struct.pack_into("<I", tables, entry, address + len(tables))
        tables.extend(_padded(data, 8))
    return bytes(tables)


def _version_node(key: str, value: bytes, children: bytes, value_length: int) -> bytes:
    head = _padded(b"\0" * 6 + key.encode("utf-16-le") + b"\0\0", 4) + _padded(value, 4) + children
    return struct.pack("<HHH", len(head), value_length, 1) + head[6:]


def build_version(strings: Mapping[str, str]) -> bytes:
    """A version resource with one string table."""
    entries = b"".join(
        _padded(_version_node(key, value.encode("utf-16-le") + b"\0\0", b"", len(value) + 1), 4)
        for key, value in strings.items()
    )
    table = _version_node("040904b0", b"", entries, 0)
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, *([0] * 11))
    return _version_node("VS_VERSION_INFO", fixed, _version_node("StringFileInfo", b"", table, 0), len(fixed))


def build_elf(
    *,
    bits: int = 64,
    order: str = "<",
    kind: int = 2,
    machine: int = 62,
    entry: int = 0x400000,
    sections: Sequence[tuple[str, int, bytes]] = ((".text", 1, b"\x90" * 256),),
    load: bool = True,
    overlay: bytes = b"",
    extended: bool = False,
    claim_sections: int | None = None,
    claim_segments: int | None = None,
) -> bytes:
    """An ELF file: header, one ``PT_LOAD`` over the whole at 0x400000 less its header, sections, then their table."""
    wide = bits == 64
    header_bytes, segment_bytes, section_bytes = (64, 56, 64) if wide else (52, 32, 40)
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in sections) + b".shstrtab\0"
    start = header_bytes + (segment_bytes if load else 0)
    text_start = start
    body, table, name_at = b"", b"\0" * section_bytes, 1
    for name, section_kind, data in (*sections, (".shstrtab", 3, names)):
        length = len(data)
        row = (name_at, section_kind, 0, 0, start + len(body), length, 0, 0, 1, 0)
        table += struct.pack(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"), *row)
        body += b"" if section_kind == 8 else data
        name_at += len(name) + 1
    count = len(sections) + 2
    table_start = start + len(body)
    if extended:
        row = (0, 0, 0, 0, 0, count, count - 1, 0, 0, 0)
        table = struct.pack(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"), *row) + table[section_bytes:]
    end = table_start + len(table)
    segment = (
        struct.pack(order + "IIQQQQQQ", 1, 5, text_start, 0x400000, 0, end - text_start, end - text_start, 4096)
        if wide
        else struct.pack(order + "IIIIIIII", 1, text_start, 0x400000, 0, end - text_start, end - text_start, 5, 4096)
    )
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + b"\0" * 9
    header = struct.pack(
        order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), kind, machine, 1, entry, header_bytes if load else 0,
        table_start, 0, header_bytes, segment_bytes, int(load) if claim_segments is None else claim_segments,
        section_bytes, (0 if extended else count) if claim_sections is None else claim_sections,
        0xFFFF if extended else count - 1,
    )  # fmt: skip
    return ident + header + (segment if load else b"") + body + table + overlay


def check_inside(extraction: Extraction, size: int) -> None:
    """Every region is at least a byte and lies inside the object."""
    for region in extraction.regions:
        assert region.offset >= 0, region
        assert 0 < region.length <= size - region.offset, region


def _launchers() -> list[Path]:
    """Found without importing anything: setuptools warns when it is imported, and newer environments lack it."""
    found = []
    for package, folder in (("pip", "_vendor/distlib"), ("setuptools", ".")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted((Path(spec.origin).parent / folder).glob("*.exe"))
    return found


@pytest.fixture(scope="session")
def pe() -> Callable[..., bytes]:
    """Builds a PE."""
    return build_pe


@pytest.fixture(scope="session")
def resources() -> Callable[..., bytes]:
    """Builds a resource section."""
    return build_resources


@pytest.fixture(scope="session")
def version() -> Callable[..., bytes]:
    """Builds a version resource."""
    return build_version


@pytest.fixture(scope="session")
def elf() -> Callable[..., bytes]:
    """Builds an ELF file."""
    return build_elf


@pytest.fixture(scope="session")
def inside() -> Callable[[Extraction, int], None]:
    """Checks that every region lies inside the object."""
    return check_inside


@pytest.fixture(scope="session")
def launchers() -> list[Path]:
    """The Windows launchers that packaging tools ship: x86, x64 and ARM64."""
    found = _launchers()
    assert len(found) >= 6, "pip or setuptools ship no launchers any more"
    return found


@pytest.fixture(scope="session")
def launcher(launchers: list[Path]) -> bytes:
    """One of them: 64-bit, with imports, resources and version strings."""
    return next(path for path in launchers if path.name == "t64.exe").read_bytes()


@pytest.fixture(scope="session")
def maker() -> Callable[[str], Any]:
    """Imports one of the modules that make the samples."""

    def imported(name: str) -> Any:
        sys.path.insert(0, str(shipped("samples_fixture")))
        try:
            return importlib.import_module(f"makers.{name}")
        finally:
            sys.path.pop(0)

    return imported


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Any]:
    """Imports an independent implementation, whatever it warns of; none of them has types."""

    def imported(name: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)

    return imported
