"""What the ledger and the journal say of an object, in few bytes, so that many can be compared at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sampler.agent.receipt_sent import sent_of
from sampler.journal import JournalEntry, JournalReader
from sampler.model import ObjectState
from sampler.spool import Booked, Wish
from sampler.wire.codec import DecodeError, decode
from sampler.wire.receipt_messages import Receipt

_WITH_DOCUMENT: Final = frozenset({"offered", "receipt"})


@dataclass(frozen=True, slots=True)
class Facts:
    """One object of the ledger."""

    event_id: str
    state: ObjectState
    listed: ObjectState
    created: datetime
    manifest: str | None
    """SHA-256 of what waits to be offered; ``None`` where nothing waits."""
    wish: Wish | None


@dataclass(slots=True)
class Trail:
    """What the journal has of one object."""

    kinds: set[str] = field(default_factory=set)
    manifest: str | None = None
    """SHA-256 of what was offered last."""
    receipted: str | None = None
    """SHA-256 of the manifest that the queue signed for."""


def facts_of(booked: Booked) -> Facts:
    """An object of the ledger without its bytes."""
    waiting = booked.waiting
    return Facts(
        event_id=booked.record.event_id,
        state=booked.record.state,
        listed=booked.listed,
        created=booked.record.created,
        manifest=None if waiting is None else hashlib.sha256(waiting.manifest).hexdigest(),
        wish=booked.wish,
    )


def trails(reader: JournalReader, wanted: Callable[[str], bool]) -> dict[str, Trail]:
    """What the journal has of the objects that are wanted, in one reading.

    Raises:
        JournalError: it cannot be read, or is not as it was written.
    """
    found: dict[str, Trail] = {}
    for entry in reader.entries(wanted=lambda _kind, event_id, _at: bool(event_id) and wanted(event_id)):
        trail = found.setdefault(entry.event_id, Trail())
        trail.kinds.add(entry.kind)
        if entry.kind in _WITH_DOCUMENT:
            _read(trail, entry)
    return found


def _read(trail: Trail, entry: JournalEntry) -> None:
    if entry.kind == "offered":
        trail.manifest = sent_of(entry.document).manifest
    else:
        trail.receipted = _receipted(entry.document.get("receipt"))


def _receipted(document: Any) -> str | None:
    try:
        return decode(str(document).encode(), Receipt).manifest
    except DecodeError:
        return None
