"""What was taken back, in memory: what the conformance suite holds the durable one against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from sampler.model import ObjectRecord, ObjectState, Waiting
from sampler.spool import Booked, Wish


class Entry(Protocol):
    """What the ledger has of one object."""

    record: ObjectRecord
    waiting: Waiting | None
    due: datetime | None
    uploads: dict[str, str]


class MemoryRecalls:
    """``spool.RecallsLedger`` over the entries of a ledger in memory."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        """``entries`` is the ledger's own, by identifier in the order of adding."""
        self._of = entries
        self._wished: dict[str, Wish] = {}

    def take_back(self, event_id: str, wish: Wish | None, *, detail: str, now: datetime) -> tuple[str, ...]:
        """Forget what was needed to deliver it."""
        entry = self._of.get(event_id)
        if entry is None:
            return ()
        contents = entry.waiting.contents if entry.waiting else ()
        entry.record = replace(entry.record, state=ObjectState.RECALLED, detail=detail, updated=now)
        entry.waiting, entry.due = None, None
        entry.uploads.clear()
        if wish is not None:
            self._wished.setdefault(event_id, wish)
        return tuple(sorted({content.sha256 for content in contents}))

    def wish(self, event_id: str) -> Wish | None:
        """The wish about an object."""
        return self._wished.get(event_id)

    def wishes(self, limit: int) -> tuple[Wish, ...]:
        """Those that are not confirmed."""
        waiting = [wish for wish in self._wished.values() if wish.confirmed is None]
        return tuple(sorted(waiting, key=lambda wish: (wish.asked, wish.event_id))[:limit])

    def end_wish(self, event_id: str, *, confirmed: bool, detail: str, now: datetime) -> None:
        """Confirmed, or dropped."""
        wish = self._wished.get(event_id)
        if wish is None or wish.confirmed is not None:
            return
        if confirmed:
            self._wished[event_id] = replace(wish, confirmed=now)
        else:
            del self._wished[event_id]
        entry = self._of[event_id]
        entry.record = replace(entry.record, detail=detail, updated=now)

    def followers(self, event_id: str, limit: int) -> tuple[ObjectRecord, ...]:
        """Looked for anew each time."""
        return tuple(entry.record for entry in self._of.values() if entry.record.follows == event_id)[:limit]

    def booked(self, event_id: str) -> Booked | None:
        """Everything about one object."""
        entry = self._of.get(event_id)
        return None if entry is None else self._booked(event_id, entry)

    def in_order(self, after: str, limit: int) -> tuple[Booked, ...]:
        """Sorted anew each time."""
        keys = sorted(key for key in self._of if key > after)[:limit]
        return tuple(self._booked(key, self._of[key]) for key in keys)

    def needed(self, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Of everything that waits, each once."""
        waiting = (entry.waiting for entry in self._of.values() if entry.waiting)
        found = {(content.sha256, content.size) for each in waiting for content in each.contents}
        return tuple(sorted(pair for pair in found if pair[0] > after)[:limit])

    def _booked(self, event_id: str, entry: Entry) -> Booked:
        return Booked(entry.record, entry.record.state, entry.waiting, self._wished.get(event_id))
