"""Regions and facts of a Portable Executable (Microsoft, "PE Format"), read through pefile.

Headers lie: every range is clipped to the file, and what lied is noted as a problem. What one reader cannot make sense
of costs only its own regions.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Data, Survey
from sampler.extract.pe_door import MachineFile, MalformedPe, ask, open_pe
from sampler.extract.pe_fields import add_header_fields, add_import_hash, add_rich_hash, add_version_fields
from sampler.extract.pe_image import Image, read_image
from sampler.extract.pe_resources import Resource, ResourceTree
from sampler.extract.pe_version import VERSION_MAX_BYTES
from sampler.limits import KIB
from sampler.model import PartKind

ENTRY_BEFORE_BYTES: Final = 512
ENTRY_AFTER_BYTES: Final = 1536
"""The window around the entry point."""
HEADER_MAX_BYTES: Final = 64 * KIB

_RESOURCE_DIRECTORY: Final = 2
_SECURITY_DIRECTORY: Final = 4
_CERTIFICATE_ALIGNMENT: Final = 8


def survey_pe(data: Data, survey: Survey) -> bool:
    """Add everything a PE has to the survey; ``False`` when it is none and nothing was added but a problem."""
    try:
        pe = open_pe(data)
        image = ask(lambda: read_image(pe, BoundedView(data)))
    except MalformedPe as error:
        survey.add_problem("not-a-pe", str(error))
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(image.header_length, HEADER_MAX_BYTES))
    _add_sections(image, survey)
    _add_entry_point(pe, image, survey)
    _add_tail_of_image(pe, survey)
    # Last, because there can be thousands of them and only so many regions are kept.
    resources = _add_resources(pe, image, survey)
    _add_fields(pe, image, resources, survey)
    return True


def _add_sections(image: Image, survey: Survey) -> None:
    end, before = 0, ""
    for section in sorted(image.sections, key=lambda section: section.offset):
        survey.add_region(PartKind.SECTION, section.name, section.offset, section.length)
        if section.length and section.offset < end:
            survey.add_problem("overlapping-sections", f"{section.name!r} begins inside {before!r}")
        if section.offset + section.length > end:
            end, before = section.offset + section.length, section.name


def _add_entry_point(pe: MachineFile, image: Image, survey: Survey) -> None:
    address: int = pe.OPTIONAL_HEADER.AddressOfEntryPoint
    if address == 0:
        return
    offset = image.offset_of(address)
    if offset is None:
        survey.add_problem("entry-point-outside", f"address {address:#x} has no byte in the file")
        return
    start = max(0, offset - ENTRY_BEFORE_BYTES)
    survey.add_region(PartKind.ENTRY_POINT, "", start, min(offset + ENTRY_AFTER_BYTES, survey.size) - start)


def _add_resources(pe: MachineFile, image: Image, survey: Survey) -> list[Resource]:
    root, _ = _directory(pe, _RESOURCE_DIRECTORY)
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


def _add_tail_of_image(pe: MachineFile, survey: Survey) -> None:
    """The certificate table, whose directory holds a file offset, and what lies behind the image beside it."""
    certificate, length = _directory(pe, _SECURITY_DIRECTORY)
    survey.add_region(PartKind.CERTIFICATE, "", certificate, length if certificate else 0)
    try:
        overlay: int | None = ask(pe.get_overlay_data_start_offset)
    except MalformedPe as error:
        survey.add_problem("overlay", str(error))
        return
    if overlay is None:
        return
    if not length or not overlay <= certificate < survey.size:
        survey.add_region(PartKind.OVERLAY, "", overlay, survey.size - overlay)
        return
    # The table begins on a quadword; what fills the gap before it is no overlay.
    if certificate - overlay >= _CERTIFICATE_ALIGNMENT:
        survey.add_region(PartKind.OVERLAY, "", overlay, certificate - overlay)
    survey.add_region(PartKind.OVERLAY, "", certificate + length, survey.size - certificate - length)


def _add_fields(pe: MachineFile, image: Image, resources: list[Resource], survey: Survey) -> None:
    add_header_fields(pe, image, survey)
    version = next((resource for resource in resources if resource.type == "RT_VERSION"), None)
    if version is not None:
        add_version_fields(image.read(version.address, min(version.length, VERSION_MAX_BYTES)), survey)
    for step in (add_import_hash, add_rich_hash):
        try:
            step(pe, survey)
        except MalformedPe as error:
            survey.add_problem("pe-fields", str(error))


def _directory(pe: MachineFile, index: int) -> tuple[int, int]:
    """Address and size of a data directory; zeros where the file has no such row."""
    rows = pe.OPTIONAL_HEADER.DATA_DIRECTORY
    return (rows[index].VirtualAddress, rows[index].Size) if index < len(rows) else (0, 0)
