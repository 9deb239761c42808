"""Facts of a PE's headers under their ECS names (``file.pe.*``), and ``sampler.file.pe.*`` where ECS has none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.pe_checksum import checksum_of
from sampler.extract.pe_door import MachineFile
from sampler.extract.pe_image import Image
from sampler.extract.pe_imports import ImportTables, shown
from sampler.extract.pe_version import version_strings

_CHECKSUM_AT: Final = 64
"""Offset in the optional header of either width."""
_FIRST_YEAR: Final = 1995
"""The format is of 1993; Delphi's linkers write 1992 into every file."""

_MACHINES: Final = {
    0x014C: "x86", 0x8664: "x64", 0x01C0: "arm", 0x01C2: "arm", 0x01C4: "arm", 0xAA64: "arm64", 0xA641: "arm64ec",
    0xA64E: "arm64x", 0x0200: "ia64", 0x0EBC: "efi", 0x5032: "riscv32", 0x5064: "riscv64", 0x6264: "loongarch64",
}  # fmt: skip

_SUBSYSTEMS: Final = {
    1: "native", 2: "windows_gui", 3: "windows_console", 5: "os2_console", 7: "posix_console", 8: "native_windows",
    9: "windows_ce_gui", 10: "efi_application", 11: "efi_boot_service_driver", 12: "efi_runtime_driver", 13: "efi_rom",
    14: "xbox", 16: "windows_boot_application",
}  # fmt: skip

_VERSION_FIELDS: Final = {
    "CompanyName": "file.pe.company",
    "FileDescription": "file.pe.description",
    "FileVersion": "file.pe.file_version",
    "OriginalFilename": "file.pe.original_file_name",
    "ProductName": "file.pe.product",
}


def add_header_fields(pe: MachineFile, survey: Survey) -> None:
    """What the headers say of machine and subsystem."""
    machine, subsystem = pe.FILE_HEADER.Machine, pe.OPTIONAL_HEADER.Subsystem
    survey.add_field("file.pe.architecture", _MACHINES.get(machine, f"{machine:#06x}"))
    survey.add_field("sampler.file.pe.subsystem", _SUBSYSTEMS.get(subsystem, str(subsystem)))


def add_compile_time(stamp: int, now: datetime, survey: Survey, *, is_hash: bool) -> None:
    """The linker's time stamp, and whether it can be a time.

    Args:
        stamp: seconds since 1970.
        now: nothing was linked later; a day is granted for clocks that are wrong.
        survey: takes the fields.
        is_hash: whether the linker says that it wrote a hash instead.
    """
    time = datetime.fromtimestamp(stamp, UTC)
    survey.add_field("sampler.file.pe.compile_time", time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    survey.add_field("sampler.file.pe.compile_time_sanity", _sanity(time, now, is_hash=is_hash))


def add_checksum(image: Image, header: int, stored: int, survey: Survey) -> None:
    """``valid``, ``invalid``, or ``absent`` where the optional header, at offset ``header``, has a zero."""
    computed = checksum_of(image.view, header + _CHECKSUM_AT) if stored else None
    if stored == 0:
        survey.add_field("sampler.file.pe.checksum", "absent")
    elif computed is not None:
        survey.add_field("sampler.file.pe.checksum", "valid" if computed == stored else "invalid")


def add_version_fields(data: bytes, survey: Survey) -> None:
    """What the version resource says of maker and product."""
    strings = version_strings(data)
    for key, name in _VERSION_FIELDS.items():
        survey.add_field(name, strings.get(key, ""))


def add_imports(image: Image, survey: Survey) -> None:
    """Libraries, symbols and the imphash, of both import tables."""
    tables = ImportTables(image)
    if tables.problem:
        survey.add_problem("imports", tables.problem)
    every = (*tables.imported, *tables.delayed)
    survey.add_field("file.pe.imphash", tables.imphash)
    survey.add_field("file.pe.imports", listed(shown(library, name) for library in every for name in library.symbols))
    survey.add_field("sampler.file.pe.imports_count", sum(len(library.symbols) for library in every))
    survey.add_field("sampler.file.pe.import_libraries", listed(library.name for library in tables.imported))
    survey.add_field("sampler.file.pe.delay_import_libraries", listed(library.name for library in tables.delayed))


def _sanity(time: datetime, now: datetime, *, is_hash: bool) -> str:
    if is_hash:
        return "reproducible-build"
    if time.timestamp() == 0:
        return "zero"
    if time.year < _FIRST_YEAR:
        return f"before-{_FIRST_YEAR}"
    return "future" if (time - now).total_seconds() > 86_400 else "plausible"
