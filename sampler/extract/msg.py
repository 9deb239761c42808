"""Attachments of an Outlook message ([MS-OXMSG]): a compound file whose storages are attachments.

Only attachments are taken: what was written, who wrote it and to whom lies in streams that are never looked at. A
message inside a message is a storage of the same file, so its attachments are streams of it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from sampler.extract.affording import kept_within, unpacked_within
from sampler.extract.extraction import Data, Survey
from sampler.extract.naming import printable
from sampler.extract.ole_directory import STORAGE, OleEntry, title_of_entry
from sampler.extract.ole_file import CompoundFile, NotCompound
from sampler.extract.ole_native import read_native
from sampler.model import PartKind

ATTACHMENTS_MAX_COUNT: Final = 2048
NAME_MAX_BYTES: Final = 1024

_PROPERTIES: Final = "__properties_version1.0"
_ATTACHMENT: Final = "__attach_version1.0_"
_CONTENT: Final = "__substg1.0_37010102"
_INNER: Final = "__substg1.0_3701000d"
"""A storage: another message, or an OLE object ([MS-OXMSG] 2.1.3.1)."""
_NAMES: Final = (
    ("__substg1.0_3707001f", "utf-16-le"),
    ("__substg1.0_3704001f", "utf-16-le"),
    ("__substg1.0_3707001e", "utf-8"),
    ("__substg1.0_3704001e", "utf-8"),
)
"""Streams with an attachment's name, the long one first ([MS-OXPROPS] 2.589, 2.583), and their encoding."""
_NATIVE: Final = "\x01ole10native"


@dataclass(frozen=True, slots=True)
class _Attachment:
    stream: OleEntry
    name: str


def survey_msg(data: Data, survey: Survey) -> bool:
    """Add the attachments of a message; ``False`` when it is none and nothing was added."""
    try:
        file = CompoundFile(data)
    except NotCompound:
        return False
    if not _holds_message(file, 0):
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(file.sector_bytes, survey.size))
    attachments = _attachments_of(file)
    survey.add_field("sampler.file.mail.attachments_count", len(attachments))
    for attachment in attachments[:ATTACHMENTS_MAX_COUNT]:
        if survey.budget.spent is not None:
            survey.add_problem("budget", f"{survey.budget.spent}; not all attachments are opened")
            return True
        _open(file, survey, attachment)
    return True


def _holds_message(file: CompoundFile, storage: int) -> bool:
    return any(entry.name.lower() == _PROPERTIES for entry in file.children_of(storage))


def _attachments_of(file: CompoundFile) -> list[_Attachment]:
    """Contents of all attachments, those of messages inside messages after those around them."""
    found: list[_Attachment] = []
    for storage in file.entries:
        if storage.kind != STORAGE or not storage.name.lower().startswith(_ATTACHMENT):
            continue
        beside = {entry.name.lower(): entry for entry in file.children_of(storage.sid)}
        name = _name(file, beside)
        content = beside.get(_CONTENT)
        if content is not None and content.is_stream:
            found.append(_Attachment(content, name))
        elif _INNER in beside:
            found += _streams_of_object(file, beside[_INNER], name)
    return found


def _streams_of_object(file: CompoundFile, storage: OleEntry, name: str) -> list[_Attachment]:
    """The streams of an OLE object; of a message none, because its attachments are storages of their own."""
    if _holds_message(file, storage.sid):
        return []
    streams = [entry for entry in file.children_of(storage.sid) if entry.is_stream and entry.size]
    return [_Attachment(entry, f"{name}/{printable(entry.name)}") for entry in streams]


def _name(file: CompoundFile, beside: dict[str, OleEntry]) -> str:
    for stream, encoding in _NAMES:
        entry = beside.get(stream)
        if entry is not None and entry.is_stream and 0 < entry.size <= NAME_MAX_BYTES:
            return printable(file.read(entry, NAME_MAX_BYTES).content.decode(encoding, "replace"))
    return ""


def _open(file: CompoundFile, survey: Survey, attachment: _Attachment) -> None:
    stream = attachment.stream
    title = attachment.name or title_of_entry(stream)
    content = unpacked_within(survey, title, file.size, partial(file.read, stream))
    if not content:
        return
    survey.add_content(PartKind.ATTACHMENT, title, f"ole:{stream.sid}", content)
    if stream.name.lower() == _NATIVE:
        packaged = read_native(content)
        made = unpacked_within(survey, title, len(content), partial(kept_within, packaged.content))
        if made:
            survey.add_content(PartKind.OBJECT, f"{title}/{packaged.label}", f"native:{stream.sid}", made)
