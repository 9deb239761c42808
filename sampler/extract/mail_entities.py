"""The entities of a mail: headers that say how a body is to be read, and bodies within bodies (RFC 2045, 2046, 5322).

A scanner of its own: each entity is a stretch of the file, found with ceilings on count, depth and the length of its
headers, so that the time it takes is the file's size times the depth at most. Subject, sender and receivers are
never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.extraction import Data
from sampler.extract.mail_words import parameters_of
from sampler.limits import KIB

ENTITIES_MAX_COUNT: Final = 1_000
DEPTH_MAX_COUNT: Final = 16
"""Multiparts inside each other; a message inside a message counts as a container instead."""
HEADERS_MAX_BYTES: Final = 256 * KIB
"""Of one entity."""
BOUNDARY_MAX_BYTES: Final = 256
"""RFC 2046, 5.1.1 allows 70."""
_BLANK: Final = re.compile(rb"(?:\A|\r?\n|\r)(?:\r?\n|\r(?!\n))")
_FOLD: Final = re.compile(rb"(?:\r\n|\n|\r)(?=[ \t])")
_FIELD: Final = re.compile(
    rb"^(content-type|content-transfer-encoding|content-disposition)[ \t]*:[ \t]*([^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_LINE_BREAK_BEFORE: Final = re.compile(rb"\r?\n\Z|\r\Z")


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity that holds no others: an attachment, or a text."""

    content_type: str
    """Lower case; ``text/plain`` where it says nothing."""
    encoding: str
    """Content-Transfer-Encoding in lower case; empty where it says nothing."""
    disposition: str
    """``attachment``, ``inline`` or empty."""
    name: str
    """Of its file, as it was written; empty where it has none."""
    offset: int
    """Of its body."""
    length: int

    @property
    def is_text(self) -> bool:
        """Whether it is what a person wrote, and no file."""
        return self.content_type.startswith("text/") and not self.name and self.disposition != "attachment"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a mail that is read all the same."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    start: int
    end: int
    depth: int
    default_type: str


def entities_of(data: Data, start: int, end: int) -> Iterator[Entity | Flaw]:
    """The entities of the message between two offsets, in their order, and what is wrong with it."""
    waiting = [_Waiting(start, end, 0, "text/plain")]
    seen = 0
    while waiting:
        here = waiting.pop()
        seen += 1
        if seen > ENTITIES_MAX_COUNT:
            yield Flaw("too-many-entities", f"only the first {ENTITIES_MAX_COUNT} entities are read")
            return
        entity, boundary = _entity(data, here)
        if not entity.content_type.startswith("multipart/"):
            yield entity
        elif here.depth >= DEPTH_MAX_COUNT:
            yield Flaw("too-deep", f"multiparts are opened {DEPTH_MAX_COUNT} deep")
        else:
            found, flaw = _sections(data, entity, boundary)
            if flaw is not None:
                yield flaw
            default = "message/rfc822" if entity.content_type == "multipart/digest" else "text/plain"
            waiting += [_Waiting(*section, here.depth + 1, default) for section in reversed(found)]


def _entity(data: Data, here: _Waiting) -> tuple[Entity, bytes]:
    """What an entity's headers say, where its body lies, and the boundary of its parts."""
    head = bytes(data[here.start : min(here.end, here.start + HEADERS_MAX_BYTES)])
    blank = _BLANK.search(head)
    body = here.start + blank.end() if blank else min(here.end, here.start + len(head))
    fields: dict[str, bytes] = {}
    for field in _FIELD.finditer(_FOLD.sub(b"", head[: blank.start() if blank else len(head)])):
        fields.setdefault(field[1].lower().decode("ascii"), field[2])
    kind, parameters = parameters_of(fields.get("content-type", b""))
    disposition, of_file = parameters_of(fields.get("content-disposition", b""))
    encoding = fields.get("content-transfer-encoding", b"").strip().lower()[:32].decode("ascii", "replace")
    name = of_file.get("filename") or parameters.get("name") or ""
    entity = Entity(kind or here.default_type, encoding, disposition, name, body, here.end - body)
    return entity, parameters.get("boundary", "").encode("utf-8", "surrogateescape")[:BOUNDARY_MAX_BYTES]


def _sections(data: Data, entity: Entity, boundary: bytes) -> tuple[list[tuple[int, int]], Flaw | None]:
    """Where the parts of a multipart lie (RFC 2046, 5.1.1); what follows its closing line is no part of it."""
    start, end = entity.offset, entity.offset + entity.length
    if not boundary:
        return [], Flaw("no-boundary", "a multipart does not say what divides its parts")
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE)
    sections: list[tuple[int, int]] = []
    begun: int | None = None
    for divider in line.finditer(data, start, end):
        if begun is not None:
            sections.append((begun, _before_line_break(data, begun, divider.start())))
        begun = None if divider[1] else divider.end()
        if divider[1] or len(sections) >= ENTITIES_MAX_COUNT:
            return sections, None
    if begun is not None:
        sections.append((begun, end))
        return sections, Flaw("truncated", "a multipart has no last line")
    return [], Flaw("no-boundary", "a multipart does not have the lines that should divide its parts")


def _before_line_break(data: Data, start: int, end: int) -> int:
    """The line break before a boundary belongs to the boundary."""
    found = _LINE_BREAK_BEFORE.search(bytes(data[max(start, end - 2) : end]))
    return max(start, end - len(found[0])) if found else end
