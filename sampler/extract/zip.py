"""Members of a ZIP file, opened as objects of their own; what stands before the archive and behind it."""

from __future__ import annotations

from typing import Final

from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.stretches import open_stretch
from sampler.extract.zip_entries import ZipFile, read_zip, survey_members
from sampler.limits import KIB
from sampler.model import PartKind

HEADER_BYTES: Final = 4 * KIB
"""The first local header and what follows it closely."""
MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04")
"""A member, an empty archive, and two that were once split over several disks."""


def survey_zip(data: Data, survey: Survey) -> bool:
    """Add the members of an archive; ``False`` when there is none and nothing was added."""
    archive = read_zip(data)
    if not archive.entries and not archive.end:
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    _add_archive(data, survey, archive)
    return True


def survey_appended_zip(data: Data, survey: Survey) -> bool:
    """As ``survey_zip``, of an archive behind something else that no reader knows: found from its end."""
    archive = read_zip(data, from_end=True)
    if not archive.entries or archive.start == 0:
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, archive.start))
    _add_archive(data, survey, archive)
    return True


def _add_archive(data: Data, survey: Survey, archive: ZipFile) -> None:
    for fault in archive.faults:
        survey.add_problem(fault.code, fault.detail)
    _add_fields(survey, archive)
    if archive.directory_length:
        survey.add_region(PartKind.DIRECTORY, "members", archive.directory_offset, archive.directory_length)
    survey_members(data, survey, archive.entries)
    if archive.start > 0:
        survey.add_problem("data-before", f"{archive.start} bytes stand before the archive")
        survey.add_region(PartKind.OVERLAY, "before", 0, archive.start)
    if 0 < archive.end < survey.size:
        survey.add_problem("data-behind", f"{survey.size - archive.end} bytes stand behind the archive")
        survey.add_region(PartKind.OVERLAY, "", archive.end, survey.size - archive.end)
        open_stretch(data, survey, "", archive.end, survey.size - archive.end)


def _add_fields(survey: Survey, archive: ZipFile) -> None:
    survey.add_field("sampler.file.archive.format", "zip")
    survey.add_field("sampler.file.archive.members_count", len(archive.entries))
    survey.add_field("sampler.file.archive.members", listed(entry.name for entry in archive.entries))
    encrypted = sum(entry.is_encrypted for entry in archive.entries)
    if encrypted:
        survey.add_field("sampler.file.archive.encrypted_count", encrypted)
