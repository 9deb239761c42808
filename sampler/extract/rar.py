"""Members of a RAR archive: those that are stored are opened, the compressed ones are named and left out.

Nothing that may be passed on with this project unpacks RAR's own methods.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.member_names import name_faults
from sampler.extract.member_stretches import survey_stretches
from sampler.extract.rar_headers import RarFile, RarMember, read_rar
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB, UNPACK_MEMBER_MAX_BYTES
from sampler.model import PartKind

HEADER_BYTES: Final = 4 * KIB


def survey_rar(data: Data, survey: Survey) -> bool:
    """Add the members of an archive, and what its headers say."""
    archive = read_rar(data)
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    for fault in (*archive.faults, *name_faults((member.name, member.raw_name) for member in archive.members)):
        survey.add_problem(fault.code, fault.detail)
    _add_fields(survey, archive)
    files = [member for member in archive.members if not member.folder and member.packed_size]
    _name_unopened(survey, "encrypted", "are encrypted", [file for file in files if file.encrypted])
    packed = [file for file in files if not file.stored and not file.encrypted]
    _name_unopened(survey, "unsupported", "are compressed, which nothing here undoes", packed)
    stored = [file for file in files if file.stored and not file.encrypted]
    _check(data, survey, stored)
    survey_stretches(data, survey, [(file.name, file.offset, file.packed_size) for file in stored])
    if not archive.faults and archive.end < survey.size:
        survey.add_problem("data-behind", f"{survey.size - archive.end} bytes stand behind the archive")
        survey.add_region(PartKind.OVERLAY, "", archive.end, survey.size - archive.end)
        open_stretch(data, survey, "", archive.end, survey.size - archive.end)
    return True


def _check(data: Data, survey: Survey, stored: Sequence[RarMember]) -> None:
    """Note checksums that do not agree, of as many bytes as one member may have."""
    left = UNPACK_MEMBER_MAX_BYTES
    for file in stored:
        left -= file.packed_size
        if left < 0:
            return
        content = bytes(data[file.offset : file.offset + file.packed_size])
        if file.crc not in (None, zlib.crc32(content)):
            survey.add_problem("checksum", f"{file.name!r} has another CRC-32 than the archive says")


def _name_unopened(survey: Survey, code: str, why: str, members: Sequence[RarMember]) -> None:
    if members:
        survey.add_problem(code, f"{len(members)} members {why}, such as {members[0].name!r}")


def _add_fields(survey: Survey, archive: RarFile) -> None:
    survey.add_field("sampler.file.archive.format", "rar")
    survey.add_field("sampler.file.archive.members_count", len(archive.members))
    survey.add_field("sampler.file.archive.members", listed(member.name for member in archive.members))
    encrypted = sum(member.encrypted for member in archive.members)
    if encrypted:
        survey.add_field("sampler.file.archive.encrypted_count", encrypted)
