"""One entry as one line of JSON, each chained to the line before it.

A line is an object of number, at, kind, event_id, document, previous and digest. ``previous`` is the digest of the line
before, 64 zeros in the first; ``digest`` is the SHA-256 of the line's own bytes without ``,"digest":"…"``. Both are
checked over the bytes as they stand, never over a re-encoding.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

FIRST_PREVIOUS: Final = "0" * 64
_SEAL: Final = re.compile(rb',"digest":"([0-9a-f]{64})"\}\n\Z')
_SEAL_BYTES: Final = len(b',"digest":""}\n') + 64
_KIND: Final = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an entry in the chain; of none, at first."""

    number: int = 0
    digest: str = FIRST_PREVIOUS
    """Empty where the line cannot be read, so that nothing can be said of what continues it."""


NOWHERE: Final = Place()
"""Before the first entry."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What was noted, as it was noted."""

    number: int
    """From 1, without gaps."""
    at: datetime
    """UTC."""
    kind: str
    """``permitted``, ``offered``, ``delivered``, ``refused``, ``verdict``, ``consent``, ``repaired`` …"""
    event_id: str
    """The object concerned; empty where none is."""
    document: Mapping[str, Any]
    previous: str
    digest: str


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    at: datetime
    kind: str
    event_id: str
    document: msgspec.Raw
    previous: str


_body_decoder = msgspec.json.Decoder(_Body)
_document_decoder = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class SealedLine:
    """A line whose own digest was checked; what it is about is decoded when somebody asks."""

    body: _Body
    digest: str

    @property
    def place(self) -> Place:
        """Where it stands in the chain."""
        return Place(self.body.number, self.digest)

    def document(self) -> dict[str, Any]:
        """What was noted.

        Raises:
            ValueError: it is no JSON object.
        """
        try:
            return _document_decoder.decode(self.body.document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not an entry: {error}") from error

    def entry(self) -> JournalEntry:
        """The whole entry.

        Raises:
            ValueError: its document is no JSON object.
        """
        body = self.body
        return JournalEntry(body.number, body.at, body.kind, body.event_id, self.document(), body.previous, self.digest)


def write_line(
    number: int, at: datetime, kind: str, event_id: str, document: Mapping[str, Any], *, previous: str
) -> tuple[bytes, str]:
    """The line of an entry, and its digest.

    Raises:
        ValueError: the kind or the time is not one, or the document cannot be written as JSON.
    """
    if _KIND.fullmatch(kind) is None or at.tzinfo is None:
        raise ValueError(f"an entry has a kind in small letters and a time with a zone, not {kind!r} and {at}")
    try:
        coded = msgspec.Raw(msgspec.json.encode(dict(document)))
        body = msgspec.json.encode(_Body(number, at, kind, event_id, coded, previous))
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    digest = hashlib.sha256(body).hexdigest()
    return body[:-1] + b',"digest":"' + digest.encode() + b'"}\n', digest


def read_sealed(line: bytes) -> SealedLine:
    """A line, its own digest checked, its document not decoded yet.

    Raises:
        ValueError: it is not an entry, or not as it was written.
    """
    seal = _SEAL.search(line, max(0, len(line) - _SEAL_BYTES))
    if seal is None:
        raise ValueError("not an entry")
    digest, content = seal[1].decode(), line[: seal.start()] + b"}"
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("changed after it was written")
    try:
        return SealedLine(_body_decoder.decode(content), digest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not an entry: {error}") from error


def read_line(line: bytes) -> JournalEntry:
    """The entry of a line, its own digest checked.

    Raises:
        ValueError: it is not an entry, or not as it was written.
    """
    return read_sealed(line).entry()
