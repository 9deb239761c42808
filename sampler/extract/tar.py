"""Members of a tape archive: stretches of it, opened as objects of their own. Links and devices are only named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.member_names import name_faults
from sampler.extract.member_stretches import survey_stretches
from sampler.extract.stretches import open_stretch
from sampler.extract.tar_headers import BLOCK_BYTES, TarFile, TarKind, TarMember, is_header, read_tar
from sampler.limits import KIB
from sampler.model import PartKind

_PADDING_MAX_BYTES: Final = 64 * KIB
"""Zeros behind the last member that are passed over in search of something else."""


def looks_like_tar(head: bytes) -> bool:
    """Whether the first block is a header with the right checksum, whatever it says of itself."""
    return is_header(head[:BLOCK_BYTES])


def survey_tar(data: Data, survey: Survey) -> bool:
    """Add the members of an archive; ``False`` when there is none and nothing was added."""
    archive = read_tar(data)
    if not archive.members:
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(BLOCK_BYTES, survey.size))
    for fault in (*archive.faults, *name_faults((member.name, member.raw_name) for member in archive.members)):
        survey.add_problem(fault.code, fault.detail)
    _add_fields(survey, archive)
    survey_stretches(data, survey, [(member.name, member.offset, member.size) for member in _files(survey, archive)])
    _add_rest(data, survey, archive.end)
    return True


def _files(survey: Survey, archive: TarFile) -> Iterator[TarMember]:
    for member in archive.members:
        if member.kind is TarKind.SPARSE:
            survey.add_problem("unsupported", f"{member.name!r}: a file with holes is not put together")
        elif member.kind is TarKind.FILE:
            yield member


def _add_rest(data: Data, survey: Survey, end: int) -> None:
    """What stands behind the archive and its padding."""
    padding = bytes(data[end : end + _PADDING_MAX_BYTES])
    start = end + len(padding) - len(padding.lstrip(b"\0"))
    if start - end == len(padding):
        return
    survey.add_problem("data-behind", f"{survey.size - start} bytes stand behind the archive")
    survey.add_region(PartKind.OVERLAY, "", start, survey.size - start)
    open_stretch(data, survey, "", start, survey.size - start)


def _add_fields(survey: Survey, archive: TarFile) -> None:
    survey.add_field("sampler.file.archive.format", "tar")
    survey.add_field("sampler.file.archive.members_count", len(archive.members))
    survey.add_field("sampler.file.archive.members", listed(member.name for member in archive.members))
    links = Counter(member.kind for member in archive.members)[TarKind.LINK]
    if links:
        survey.add_field("sampler.file.archive.links_count", links)
