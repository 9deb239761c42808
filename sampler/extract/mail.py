"""Mail: its attachments, decoded and opened; messages inside messages by the same way (RFC 5322, RFC 2045 to 2049).

``mail:OFFSET+LENGTH/ENCODING`` makes the bytes of a body there; one that is not encoded is a stretch. What people wrote
to each other, subject, sender and receivers are never taken, nor are addresses out of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import unpacked_within
from sampler.extract.compressed_streams import NotUnpacked, Unpacked
from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.mail_decoding import DECODERS, uuencoded_in
from sampler.extract.mail_entities import Entity, Flaw, entities_of
from sampler.extract.naming import printable
from sampler.extract.stretches import open_stretch, own_kind
from sampler.limits import KIB
from sampler.model import PartKind

MESSAGES_MAX_COUNT: Final = 1_000
"""Of one mailbox file."""
HEADERS_WITHIN_BYTES: Final = 8 * KIB
_STEP: Final = re.compile(r"([0-9]{1,15})\+([0-9]{1,15})/([a-z0-9-]{1,32})", re.ASCII)
_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]{0,8}")
_FROM_LINE: Final = re.compile(rb"^From [^\r\n]{1,512}\r?\n", re.MULTILINE)
_ANY_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]|From |>From ")
_MAIL_FIELD: Final = re.compile(
    rb"(return-path|received|delivered-to|from|to|cc|subject|date|message-id|mime-version|content-type|reply-to"
    rb"|content-transfer-encoding|x-[\w-]{1,64}):",
    re.IGNORECASE,
)
_MAIL_FIELDS_MIN_COUNT: Final = 2


def looks_like_mail(head: bytes) -> bool:
    """Begins with header fields, and at least two of them are those of mail."""
    start = _START.match(head)
    found: set[bytes] = set()
    for line in head[start.end() if start else 0 : HEADERS_WITHIN_BYTES].split(b"\n"):
        if not line.strip():
            break
        if field := _MAIL_FIELD.match(line):
            found.add(field[1].lower())
        elif not _ANY_FIELD.match(line):
            return False
        if len(found) >= _MAIL_FIELDS_MIN_COUNT:
            return True
    return False


def survey_mail(data: Data, survey: Survey) -> bool:
    """Add the attachments of a mail, or of all mails in a mailbox file; always ``True``."""
    entities: list[Entity] = []
    for start, end in islice(_messages(data), MESSAGES_MAX_COUNT):
        for found in entities_of(data, start, end):
            if isinstance(found, Flaw):
                survey.add_problem(found.code, found.detail)
            else:
                entities.append(found)
    files = [entity for entity in entities if not entity.is_text]
    uuencoded = sum(_add_uuencoded(data, survey, entity) for entity in entities if entity.is_text)
    for count, entity in enumerate(files):
        _add_file(data, survey, entity, printable(entity.name) or f"{entity.content_type}/{count}")
    survey.add_field("sampler.file.mail.entities_count", len(entities))
    survey.add_field("sampler.file.mail.attachments_count", len(files) + uuencoded)
    types = dict.fromkeys(entity.content_type for entity in files)
    survey.add_field("sampler.file.mail.attachment_types", listed(types))
    return True


def read_mail(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``mail:OFFSET+LENGTH/ENCODING``.

    Raises:
        NotDerivable: there is no such stretch or encoding, or it makes more than ``ceiling`` bytes.
    """
    place = _STEP.fullmatch(argument)
    if place is None or place[3] not in DECODERS or int(place[1]) + int(place[2]) > len(data):
        raise NotDerivable(f"no body at {argument!r}")
    return _decoded(data, int(place[1]), int(place[2]), place[3], ceiling).content


def _messages(data: Data) -> Iterator[tuple[int, int]]:
    """Where messages lie: one, or in a mailbox file one behind each ``From`` line (RFC 4155)."""
    start = _START.match(bytes(data[:16]))
    first = start.end() if start else 0
    line = _FROM_LINE.match(data, first)
    if line is None:
        yield first, len(data)
        return
    for following in _FROM_LINE.finditer(data, line.end()):
        if bytes(data[following.start() - 2 : following.start()]) in (b"\n\n", b"\r\n"):
            yield line.end(), following.start()
            line = following
    yield line.end(), len(data)


def _decoded(data: Data, offset: int, length: int, encoding: str, ceiling: int) -> Unpacked:
    """A body behind its encoding; one of more than four times the ceiling is not even read."""
    if length // 4 > ceiling:
        raise NotUnpacked("too-large", f"{length} encoded bytes, at most {ceiling} are opened")
    made = DECODERS[encoding](bytes(data[offset : offset + length]))
    if len(made) > ceiling:
        raise NotUnpacked("too-large", f"{len(made)} bytes, at most {ceiling} are opened")
    return Unpacked(made)


def _add_file(data: Data, survey: Survey, entity: Entity, title: str) -> None:
    if entity.encoding in DECODERS:
        _add_decoded(data, survey, title, (entity.offset, entity.length), entity.encoding)
    elif entity.length > 0:
        own = own_kind(data, survey, PartKind.ATTACHMENT, entity.offset, entity.length)
        survey.add_region(PartKind.ATTACHMENT, title, entity.offset, entity.length, own)
        open_stretch(data, survey, title, entity.offset, entity.length)


def _add_uuencoded(data: Data, survey: Survey, entity: Entity) -> int:
    """The files in a text, and how many there are."""
    found = list(uuencoded_in(data, entity.offset, entity.offset + entity.length))
    for file in found:
        _add_decoded(data, survey, file.name, (file.start, file.end - file.start), "uuencode")
    return len(found)


def _add_decoded(data: Data, survey: Survey, title: str, place: tuple[int, int], encoding: str) -> None:
    offset, length = place
    content = unpacked_within(survey, title, length, partial(_decoded, data, offset, length, encoding))
    if content:
        survey.add_content(PartKind.ATTACHMENT, title, f"mail:{offset}+{length}/{encoding}", content)
