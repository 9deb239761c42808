"""Facts of an Office Open XML package (ECMA-376, Part 2): a ZIP file whose members are opened as those of any other.

What its members tell is read while they are open, so that nothing is unpacked twice.
"""

from __future__ import annotations

from typing import Final

from sampler.extract.document_facts import DocumentFacts
from sampler.extract.extraction import Data, Survey
from sampler.extract.ooxml_facts import add_member, is_object
from sampler.extract.stretches import open_stretch
from sampler.extract.zip_directory import ZipEntry
from sampler.extract.zip_entries import ZipFile, opened_members, read_zip
from sampler.limits import KIB
from sampler.model import ContentKind, PartKind

HEADER_BYTES: Final = 4 * KIB
MARKS: Final = (b"PK\x03\x04",)
_CONTENT_TYPES: Final = b"[content_types].xml"


def survey_ooxml(data: Data, survey: Survey) -> bool:
    """Add members and facts of a package; ``False`` when it is none and nothing was added."""
    archive = read_zip(data)
    if not any(entry.raw_name.lower() == _CONTENT_TYPES for entry in archive.entries):
        return False
    survey.kind = ContentKind.DOCUMENT  # whatever its first bytes look like, its members are a document's
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    for fault in archive.faults:
        survey.add_problem(fault.code, fault.detail)
    facts = DocumentFacts()
    for entry, step, content in opened_members(data, survey, archive.entries):
        survey.add_content(_kind(entry), entry.name, step, content)
        add_member(entry.name, content, facts)
    facts.tell(survey)
    _add_surroundings(data, survey, archive)
    return True


def _kind(entry: ZipEntry) -> PartKind:
    return PartKind.OBJECT if is_object(entry.name) else PartKind.MEMBER


def _add_surroundings(data: Data, survey: Survey, archive: ZipFile) -> None:
    """The directory, and what was put behind the package, where Office does not look."""
    survey.add_region(PartKind.DIRECTORY, "members", archive.directory_offset, archive.directory_length)
    behind = survey.size - archive.end
    if archive.end and behind > 0:
        survey.add_problem("data-behind", f"{behind} bytes stand behind the archive")
        survey.add_region(PartKind.OVERLAY, "", archive.end, behind)
        open_stretch(data, survey, "", archive.end, behind)
