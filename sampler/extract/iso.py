"""Files of an ISO 9660 image: stretches of it, opened as objects of their own; its boot image.

The Joliet tree gives the names where there is one; what only the other tree names is a member too, and is said.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.compressed_streams import Fault
from sampler.extract.extraction import Data, Survey
from sampler.extract.iso_tree import SECTOR_BYTES, IsoFile, IsoImage, read_image, walk
from sampler.extract.listing import listed
from sampler.extract.member_names import name_faults
from sampler.extract.member_stretches import survey_stretches
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import PartKind

_MARK_OFFSET: Final = 16 * SECTOR_BYTES + 1
_MARKS: Final = (b"CD001", b"BEA01", b"NSR02", b"NSR03")
_BOOT_SECTOR_BYTES: Final = 512
_BOOT_MAX_BYTES: Final = 64 * KIB
_TREE_FAULTS_MAX_COUNT: Final = 8
_PADDING_BYTES: Final = 150 * SECTOR_BYTES
"""Zeros that writers put behind a volume."""


def looks_like_iso(head: bytes) -> bool:
    """Whether the first volume descriptor is one of ISO 9660 or UDF."""
    return head[_MARK_OFFSET : _MARK_OFFSET + 5] in _MARKS


def survey_iso(data: Data, survey: Survey) -> bool:
    """Add the files of an image, its descriptors and its boot image."""
    image = read_image(data)
    survey.add_region(PartKind.HEADER, "", 16 * SECTOR_BYTES, image.descriptors_end - 16 * SECTOR_BYTES)
    if image.has_udf:
        survey.add_problem("unsupported", "files that only a UDF file system names are not looked for")
    _add_boot(data, survey, image)
    files, faults = _files(data, image)
    for fault in (*faults, *name_faults((file.name, file.raw_name) for file in files)):
        survey.add_problem(fault.code, fault.detail)
    survey.add_field("sampler.file.archive.format", "iso9660" if image.volumes else "udf")
    survey.add_field("sampler.file.archive.members_count", len(files))
    survey.add_field("sampler.file.archive.members", listed(file.name for file in files))
    survey_stretches(data, survey, [(file.name, file.offset, file.length) for file in files])
    _add_rest(data, survey, image)
    return True


def _files(data: Data, image: IsoImage) -> tuple[list[IsoFile], list[Fault]]:
    """The files of the best tree, and those of the others that lie elsewhere."""
    faults: list[Fault] = []
    files: list[IsoFile] = []
    for volume in sorted(image.volumes, key=lambda volume: not volume.joliet):
        known = {(file.offset, file.length) for file in files}
        own = list(walk(data, volume, faults))
        hidden = [file for file in own if (file.offset, file.length) not in known and file.length]
        if files and hidden:
            detail = f"{len(hidden)} that another tree does not name, such as {hidden[0].name!r}"
            faults.append(Fault("hidden-members", detail))
        files += hidden if files else own
    return files, faults[:_TREE_FAULTS_MAX_COUNT]


def _add_boot(data: Data, survey: Survey, image: IsoImage) -> None:
    """The image that a BIOS would load (El Torito 1.0, 2.2): the default entry behind the validation entry."""
    entry = bytes(data[image.boot_catalogue + 32 : image.boot_catalogue + 64]) if image.boot_catalogue else b""
    if len(entry) < 32 or entry[0] not in (0x88, 0):
        return
    length = max(int.from_bytes(entry[6:8], "little"), 1) * _BOOT_SECTOR_BYTES
    offset = int.from_bytes(entry[8:12], "little") * SECTOR_BYTES
    survey.add_region(PartKind.BOOT, "el-torito", offset, min(length, _BOOT_MAX_BYTES))


def _add_rest(data: Data, survey: Survey, image: IsoImage) -> None:
    """What stands behind every volume, where it is more than padding."""
    end = max((volume.blocks * volume.block_bytes for volume in image.volumes), default=survey.size)
    if end >= survey.size or not any(bytes(data[end : min(survey.size, end + _PADDING_BYTES)])):
        return
    survey.add_problem("data-behind", f"{survey.size - end} bytes stand behind the volume")
    survey.add_region(PartKind.OVERLAY, "", end, survey.size - end)
    open_stretch(data, survey, "", end, survey.size - end)
