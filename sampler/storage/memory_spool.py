"""The spool's ledger in memory: what the conformance suite holds the durable one against, and enough for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sampler.model import ObjectRecord, ObjectState, Spent, Verdict, Waiting
from sampler.spool import NO_WORTH, Worth
from sampler.storage.memory_spool_days import MemoryDays
from sampler.storage.memory_spool_recalls import MemoryRecalls
from sampler.storage.memory_spool_worth import MemoryWorth


@dataclass(slots=True)
class _Entry:
    record: ObjectRecord
    waiting: Waiting | None
    due: datetime | None
    uploads: dict[str, str] = field(default_factory=dict)


class MemorySpoolLedger(MemoryDays, MemoryRecalls, MemoryWorth):
    """``spool.SpoolLedger`` that forgets everything when it goes."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        MemoryDays.__init__(self, lambda: (entry.record for entry in self._entries.values()))
        MemoryRecalls.__init__(self, self._entries)
        MemoryWorth.__init__(self, self._entries)
        self._cursor = 0
        self._permitted: list[tuple[datetime, int]] = []

    def add(self, record: ObjectRecord, waiting: Waiting | None, worth: Worth = NO_WORTH) -> bool:
        """In the order of adding, which a dictionary keeps."""
        if record.event_id in self._entries:
            return False
        due = record.created if waiting and record.state is ObjectState.SPOOLED else None
        self._entries[record.event_id] = _Entry(record, waiting, due)
        if due is not None and waiting is not None:
            self._count(record, waiting)
            self._weigh(record.event_id, worth, due)
        return True

    def release(self, record: ObjectRecord, waiting: Waiting, worth: Worth = NO_WORTH) -> bool:
        """In its place in the order of adding."""
        entry = self._entries.get(record.event_id)
        if entry is None or entry.record.state is not ObjectState.HELD:
            return False
        self._entries[record.event_id] = _Entry(record, waiting, record.updated)
        self._count(record, waiting)
        self._weigh(record.event_id, worth, record.updated)
        return True

    def permitted_since(self, moment: datetime) -> Spent:
        """Added up anew each time."""
        late = [size for at, size in self._permitted if at >= moment]
        return Spent(sum(late), len(late))

    def get(self, event_id: str) -> ObjectRecord | None:
        """The record, or ``None``."""
        entry = self._entries.get(event_id)
        return entry.record if entry else None

    def list(self, *, state: ObjectState | None, after: str | None, limit: int) -> tuple[ObjectRecord, ...]:
        """Newest first."""
        newest = [entry.record for entry in reversed(self._entries.values())]
        if after is not None:
            places = [place for place, record in enumerate(newest, 1) if record.event_id == after]
            newest = newest[places[0] :] if places else []
        return tuple(record for record in newest if state in (None, record.state))[:limit]

    def counts(self) -> Counter[ObjectState]:
        """Counted anew each time."""
        return Counter(entry.record.state for entry in self._entries.values())

    def used_bytes(self) -> int:
        """Shared contents once."""
        waiting = self._waiting()
        contents = {content.sha256: content.size for each in waiting for content in each.contents}
        return sum(contents.values()) + sum(len(each.manifest) for each in waiting)

    def due(self, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """In the order of adding."""
        entries = self._entries.values()
        return tuple(e.waiting for e in entries if e.waiting and e.due is not None and e.due <= now)[:limit]

    def next_due(self) -> datetime | None:
        """The earliest of all."""
        return min((entry.due for entry in self._entries.values() if entry.due is not None), default=None)

    def finish(
        self, event_id: str, state: ObjectState, *, detail: str, sent_bytes: int, now: datetime, rule: str | None = None
    ) -> tuple[str, ...]:
        """Forget what was needed to deliver it."""
        entry = self._open(event_id)
        if entry is None:
            return ()
        contents = entry.waiting.contents if entry.waiting else ()
        ended = replace(entry.record, state=state, detail=detail, sent_bytes=sent_bytes, updated=now)
        entry.record = ended if rule is None else replace(ended, rule=rule)
        entry.waiting, entry.due = None, None
        entry.uploads.clear()
        return tuple(sorted({content.sha256 for content in contents}))

    def unneeded(self, contents: Iterable[str]) -> tuple[str, ...]:
        """Those that no waiting object names."""
        needed = {content.sha256 for each in self._waiting() for content in each.contents}
        return tuple(sha256 for sha256 in contents if sha256 not in needed)

    def postpone(self, event_id: str, until: datetime, *, detail: str, now: datetime) -> None:
        """One attempt more."""
        entry = self._open(event_id)
        if entry is None:
            return
        entry.record = replace(entry.record, detail=detail, updated=now)
        if entry.waiting is not None:
            entry.waiting = replace(entry.waiting, attempts=entry.waiting.attempts + 1)
            entry.due = until if entry.record.state is ObjectState.SPOOLED else None

    def set_verdict(self, event_id: str, verdict: Verdict, now: datetime) -> ObjectRecord | None:
        """Whatever state the object is in."""
        entry = self._entries.get(event_id)
        if entry is None:
            return None
        entry.record = replace(entry.record, verdict=verdict, updated=now)
        return entry.record

    def remember_upload(self, event_id: str, sha256: str, url: str) -> None:
        """Only for a content that the object needs."""
        entry = self._open(event_id)
        if entry and entry.waiting and any(content.sha256 == sha256 for content in entry.waiting.contents):
            entry.uploads[sha256] = url

    def upload_url(self, event_id: str, sha256: str) -> str | None:
        """``None`` for what is not needed (any more)."""
        entry = self._entries.get(event_id)
        return entry.uploads.get(sha256) if entry else None

    def cursor(self) -> int:
        """0 at first."""
        return self._cursor

    def set_cursor(self, value: int) -> None:
        """Kept as long as this object."""
        self._cursor = value

    def close(self) -> None:
        """Nothing is held."""

    def _count(self, record: ObjectRecord, waiting: Waiting) -> None:
        if waiting.contents:
            self._permitted.append((record.updated, waiting.content_bytes))

    def _open(self, event_id: str) -> _Entry | None:
        entry = self._entries.get(event_id)
        return None if entry is None or entry.record.state.is_final else entry

    def _waiting(self) -> tuple[Waiting, ...]:
        return tuple(entry.waiting for entry in self._entries.values() if entry.waiting)
