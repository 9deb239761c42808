"""Regions and facts of a Portable Executable (Microsoft, "PE Format").

pefile reads the headers and the section table; everything behind them is read by small readers of our own, within
fixed counts. Headers lie: every range is clipped to the file, and what lied is noted as a problem. What one reader
cannot make sense of costs only its own regions. docs/malformed-pe.md says what is done where parsers differ.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Data, Survey
from sampler.extract.pe_certificates import add_certificates
from sampler.extract.pe_debug import add_debug, is_reproducible, read_debug
from sampler.extract.pe_directories import RESOURCE, SECURITY, add_directories
from sampler.extract.pe_door import MachineFile, MalformedPe, ask, open_pe
from sampler.extract.pe_dotnet import add_dotnet
from sampler.extract.pe_exports import add_exports
from sampler.extract.pe_fields import (
    add_checksum,
    add_compile_time,
    add_header_fields,
    add_imports,
    add_version_fields,
)
from sampler.extract.pe_image import Image, read_image
from sampler.extract.pe_packers import installer_of, oddities_of, packer_of
from sampler.extract.pe_resources import Resource, ResourceTree
from sampler.extract.pe_rich import add_rich_header
from sampler.extract.pe_sections import add_section_fields
from sampler.extract.pe_tls import read_callbacks
from sampler.extract.pe_version import VERSION_MAX_BYTES
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import PartKind

ENTRY_BEFORE_BYTES: Final = 512
ENTRY_AFTER_BYTES: Final = 1536
"""The window around the entry point."""
HEADER_MAX_BYTES: Final = 64 * KIB

_CERTIFICATE_ALIGNMENT: Final = 8
_SECTION_ROW_BYTES: Final = 40
_TELLING_RESOURCES: Final = ("RT_RCDATA/11111", "RT_RCDATA/CABINET", "RT_RCDATA/SCRIPT")
"""Type and name of those in which installers keep their marks."""
_MARK_BYTES: Final = 64


def survey_pe(data: Data, survey: Survey) -> bool:
    """Add everything a PE has to the survey; ``False`` when it is none and nothing was added but a problem."""
    try:
        pe = open_pe(data)
        image = ask(lambda: read_image(pe, BoundedView(data)))
        header: int = ask(pe.OPTIONAL_HEADER.get_file_offset)
    except MalformedPe as error:
        survey.add_problem("not-a-pe", str(error))
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(image.header_length, HEADER_MAX_BYTES))
    _add_sections(image, survey)
    _add_window(image, "", pe.OPTIONAL_HEADER.AddressOfEntryPoint, survey)
    _add_certificates(image, survey)
    overlays = _overlays(image, header, header + pe.FILE_HEADER.SizeOfOptionalHeader)
    for offset, length in overlays:
        survey.add_region(PartKind.OVERLAY, "", offset, length)
    add_directories(image, survey)
    for number, address in read_callbacks(image, survey):
        _add_window(image, f"tls:{number}", address, survey)
    _add_header_facts(pe, image, header, survey)
    add_dotnet(image, survey)
    # Last, because there can be thousands of them and only so many regions are kept.
    resources = _add_resources(image, survey)
    _add_maker(pe, image, overlays, resources, survey)
    for offset, length in overlays:
        open_stretch(data, survey, "", offset, length)
    return True


def _add_sections(image: Image, survey: Survey) -> None:
    end, before = 0, ""
    for section in sorted(image.sections, key=lambda section: section.offset):
        survey.add_region(PartKind.SECTION, section.name, section.offset, section.length)
        if section.length and section.offset < end:
            survey.add_problem("overlapping-sections", f"{section.name!r} begins inside {before!r}")
        if section.offset + section.length > end:
            end, before = section.offset + section.length, section.name


def _add_window(image: Image, name: str, address: int, survey: Survey) -> None:
    """Around code that runs first: the entry point, or a TLS callback."""
    if address == 0:
        return
    offset = image.offset_of(address)
    if offset is None:
        survey.add_problem("entry-point-outside", f"address {address:#x} has no byte in the file")
        return
    start = max(0, offset - ENTRY_BEFORE_BYTES)
    survey.add_region(PartKind.ENTRY_POINT, name, start, min(offset + ENTRY_AFTER_BYTES, survey.size) - start)


def _add_certificates(image: Image, survey: Survey) -> None:
    table, length = image.directory(SECURITY)
    if table and length:
        add_certificates(image.view, table, length, survey)


def _overlays(image: Image, header: int, table: int) -> tuple[tuple[int, int], ...]:
    """Offset and length of what lies behind headers and sections, before and behind a certificate table in it.

    A section that begins beyond the file hides nothing; one that ends there leaves no overlay.

    Args:
        image: of the file.
        header: offset of the optional header, which is in the file.
        table: offset of the section table, which need not be.
    """
    size = len(image.view)
    table_end = table + _SECTION_ROW_BYTES * len(image.sections)
    ends = [row.offset + row.length for row in image.sections if row.offset < size]
    start = min(size, max(table_end if table_end <= size else header, *ends, 0))
    certificate, length = image.directory(SECURITY)
    if not length or not start <= certificate < size:
        return ((start, size - start),) if start < size else ()
    # The table begins on a quadword; what fills the gap before it is no overlay.
    before = certificate - start if certificate - start >= _CERTIFICATE_ALIGNMENT else 0
    behind = certificate + length
    return tuple(row for row in ((start, before), (behind, size - behind)) if row[1] > 0)


def _add_header_facts(pe: MachineFile, image: Image, header: int, survey: Survey) -> None:
    debug = read_debug(image)
    stamp: int = pe.FILE_HEADER.TimeDateStamp
    add_header_fields(pe, survey)
    add_compile_time(stamp, datetime.now(UTC), survey, is_hash=is_reproducible(debug))
    add_checksum(image, header, pe.OPTIONAL_HEADER.CheckSum, survey)
    add_section_fields(image, survey)
    add_rich_header(image.view, header, survey)
    add_debug(image, debug, survey)
    add_imports(image, survey)
    add_exports(image, survey)


def _add_resources(image: Image, survey: Survey) -> list[Resource]:
    root, _ = image.directory(RESOURCE)
    if root == 0:
        return []
    tree = ResourceTree(image, root)
    resources = list(tree)
    for resource in resources:
        offset = image.offset_of(resource.address)
        if offset is None:
            survey.add_problem("resource-outside", f"{resource.name}: address {resource.address:#x}")
        else:
            survey.add_region(PartKind.RESOURCE, resource.name, offset, resource.length)
    if tree.problem:
        survey.add_problem("resource-tree", tree.problem)
    return resources


def _add_maker(
    pe: MachineFile, image: Image, overlays: tuple[tuple[int, int], ...], resources: list[Resource], survey: Survey
) -> None:
    """Who made it by its own words, what packed it, what it installs."""
    version = next((resource for resource in resources if resource.type == "RT_VERSION"), None)
    if version is not None:
        add_version_fields(image.read(version.address, min(version.length, VERSION_MAX_BYTES)), survey)
    telling = {
        resource.name: image.read(resource.address, min(resource.length, _MARK_BYTES))
        for resource in resources
        if resource.name.rpartition("/")[0] in _TELLING_RESOURCES
    }
    survey.add_field("sampler.file.packer", packer_of(image))
    survey.add_field("sampler.file.installer", installer_of(image.view, overlays, telling))
    survey.add_field("sampler.file.pe.oddities", oddities_of(image, pe.OPTIONAL_HEADER.AddressOfEntryPoint))
