"""What the parent checks of a child's answer before anyone uses it. Pure.

The child parsed hostile bytes and may be in their author's hands. Types and counts are checked by decoding; here:

1. the answer is for the object that was asked about;
2. every hit and every region that is no derived bytes lies inside that object;
3. every field is one that only content can tell, so that a child cannot say where a file lay or whose it was;
4. every value is short enough and a number that JSON can carry;
5. only what is a file of its own, or was made from the object, is said to be of another kind than the object.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from sampler.examine.messages import MessageError, Swept
from sampler.limits import BOOT_RECORDS_MAX_COUNT, FIELD_VALUE_MAX_CHARACTERS, MATCHES_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import ContentKind, Examination, Field, PartKind, Region, RuleMatch, StringHit

_MIME_TYPE: Final = re.compile(r"[A-Za-z0-9.+_-]{1,127}/[A-Za-z0-9.+_-]{1,127}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_BOOT_NAME: Final = re.compile(r"[a-z]{1,16}(-[a-z]{1,16}){0,2}(:\d{1,4})?")
_BOOT_ANSWER_MAX_COUNT: Final = 2 * BOOT_RECORDS_MAX_COUNT
_BOOT_RECORD_MAX_SECTORS: Final = 130
"""A GPT of the size that is taken, with its header, in sectors of 512 bytes."""
_FILES: Final = frozenset({PartKind.ATTACHMENT, PartKind.MEMBER})
"""What can lie in an object as it is."""
_PROGRAM_TEXT: Final = frozenset({PartKind.MACRO, PartKind.SCRIPT})
_PROGRAMS: Final = frozenset({ContentKind.DRIVER, ContentKind.EXECUTABLE, ContentKind.LIBRARY})
_FIELDS: Final = frozenset({
    "file.mime_type", "file.type", "file.hash.tlsh", "file.hash.ssdeep", "file.target_path",
})  # fmt: skip
_FIELD_GROUPS: Final = ("file.pe.", "file.elf.", "file.macho.", "file.code_signature.", "sampler.file.")
_NOT_OF_CONTENT: Final = ("sampler.file.name.", "sampler.file.origin.", "sampler.file.trust")
"""Beside them, what the parent finds out about the file's name, origin and package."""


def check_examination(examination: Examination, *, sha256: str, size: int) -> None:
    """Raise ``MessageError`` unless the answer can be one about the object with this hash and size (bytes)."""
    if examination.sha256 != sha256:  # 1
        raise MessageError(f"it is for another object: {examination.sha256[:64]!r} instead of {sha256!r}")
    _check_type(examination.mime_type)
    for region in examination.regions:  # 2
        if not region.recipe:
            _check_inside(region, size)
        _check_own_kind(region)  # 5
    _check_matches(examination.matches, size)  # 2
    for field in examination.fields:  # 3, 4
        _check_field(field)


def check_swept(swept: Swept) -> None:
    """Raise ``MessageError`` unless the answer can be one about a file."""
    if not _SHA256.fullmatch(swept.sha256):
        raise MessageError(f"not a SHA-256: {swept.sha256[:64]!r}")
    if len(swept.matches) > MATCHES_MAX_COUNT or len(swept.problems) > PROBLEMS_MAX_COUNT:
        raise MessageError("it has more matches or problems than are taken")
    _check_type(swept.mime_type)
    if swept.size < 0:
        raise MessageError("it has less than no bytes")
    _check_matches(swept.matches, swept.size)


def check_boot_records(records: Sequence[Region], disk_size: int, sector_bytes: int) -> None:
    """Raise ``MessageError`` unless each lies inside the disk, has a plain name, and all of them are few and short."""
    if len(records) > _BOOT_ANSWER_MAX_COUNT:
        raise MessageError(f"it tells of {len(records)} boot records")
    for record in records:
        if record.kind is not PartKind.BOOT or record.recipe or not _BOOT_NAME.fullmatch(record.name):
            raise MessageError(f"no name of a boot record: {record.name[:64]!r}")
        if not 0 < record.length <= _BOOT_RECORD_MAX_SECTORS * sector_bytes:
            raise MessageError(f"{record.length} bytes at {record.offset} are no boot record")
        if record.offset + record.length > disk_size:
            raise MessageError(f"{record.length} bytes at {record.offset} are not inside a disk of {disk_size}")


def _check_type(mime_type: str) -> None:
    if not _MIME_TYPE.fullmatch(mime_type):
        raise MessageError(f"not a type: {mime_type[:64]!r}")


def _check_matches(matches: Iterable[RuleMatch], size: int) -> None:
    for match in matches:
        if match.hits_total < len(match.hits):
            raise MessageError(f"{match.rule[:64]!r} has {len(match.hits)} hits, but {match.hits_total} in all")
        for hit in match.hits:
            _check_inside(hit, size)


def _check_own_kind(region: Region) -> None:
    if region.content is not None and not region.recipe and region.kind not in _FILES:
        raise MessageError(f"{region.kind} {region.name[:64]!r} is a stretch of the object and no {region.content}")
    if region.kind in _PROGRAM_TEXT and region.content in _PROGRAMS:
        raise MessageError(f"{region.kind} {region.name[:64]!r} is text and no {region.content}")


def _check_inside(stretch: Region | StringHit, size: int) -> None:
    if stretch.offset + stretch.length > size:
        raise MessageError(f"{stretch.length} bytes at {stretch.offset} are not inside an object of {size}")


def _check_field(field: Field) -> None:
    of_content = field.name.startswith(_FIELD_GROUPS) and not field.name.startswith(_NOT_OF_CONTENT)
    if field.name not in _FIELDS and not of_content:
        raise MessageError(f"content does not tell {field.name[:128]!r}")
    texts = field.value if isinstance(field.value, tuple) else (field.value,)
    if sum(len(text) for text in texts if isinstance(text, str)) > FIELD_VALUE_MAX_CHARACTERS:
        raise MessageError(f"{field.name[:128]!r} has more than {FIELD_VALUE_MAX_CHARACTERS} characters")
    if isinstance(field.value, float) and not math.isfinite(field.value):
        raise MessageError(f"{field.name[:128]!r} is no finite number")
