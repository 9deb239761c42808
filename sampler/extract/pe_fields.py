"""Facts of a PE under their ECS names (``file.pe.*``) and under ``sampler.file.pe.*`` where ECS has none."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.pe_door import MachineFile, ask
from sampler.extract.pe_image import Image
from sampler.extract.pe_version import version_strings
from sampler.limits import KIB

_IMPORT_DIRECTORY: Final = 1
_SECTION_NAMES_MAX_COUNT: Final = 256
_SECTIONS_FOR_IMPORTS_MAX_COUNT: Final = 256
"""pefile looks every import's address up in all sections; with more of them a hostile file could take minutes."""
_RICH_HEADER_MAX_BYTES: Final = 64 * KIB

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


def add_header_fields(pe: MachineFile, image: Image, survey: Survey) -> None:
    """What the headers say: machine, subsystem, the linker's time stamp, the names of the sections."""
    machine, subsystem = pe.FILE_HEADER.Machine, pe.OPTIONAL_HEADER.Subsystem
    survey.add_field("file.pe.architecture", _MACHINES.get(machine, f"{machine:#06x}"))
    survey.add_field("file.pe.sections", tuple(row.name for row in image.sections[:_SECTION_NAMES_MAX_COUNT]))
    survey.add_field("sampler.file.pe.subsystem", _SUBSYSTEMS.get(subsystem, str(subsystem)))
    stamp = datetime.fromtimestamp(pe.FILE_HEADER.TimeDateStamp, UTC)
    survey.add_field("sampler.file.pe.compile_time", stamp.strftime("%Y-%m-%dT%H:%M:%SZ"))


def add_version_fields(data: bytes, survey: Survey) -> None:
    """What the version resource says of maker and product."""
    strings = version_strings(data)
    for key, name in _VERSION_FIELDS.items():
        survey.add_field(name, strings.get(key, ""))


def add_import_hash(pe: MachineFile, survey: Survey) -> None:
    """The imphash: MD5 over the imported names in their order, as Mandiant defined it.

    Raises:
        MalformedPe: the import table cannot be read.
    """
    if len(pe.sections) > _SECTIONS_FOR_IMPORTS_MAX_COUNT:
        survey.add_problem("imports", f"not read: {len(pe.sections)} sections")
        return
    ask(lambda: pe.parse_data_directories(directories=[_IMPORT_DIRECTORY]))
    if getattr(pe, "DIRECTORY_ENTRY_IMPORT", None):
        survey.add_field("file.pe.imphash", ask(pe.get_imphash))


def add_rich_hash(pe: MachineFile, survey: Survey) -> None:
    """MD5 over the decoded rich header, which tells what tools linked the file.

    Raises:
        MalformedPe: it begins like one and cannot be read.
    """
    if pe.OPTIONAL_HEADER.get_file_offset() > _RICH_HEADER_MAX_BYTES:
        return
    rich = ask(pe.parse_rich_header)
    if rich:
        survey.add_field(
            "sampler.file.pe.rich_hash", hashlib.md5(rich["clear_data"], usedforsecurity=False).hexdigest()
        )
