"""What waits for delivery is worth, in memory: what the conformance suite holds the durable one against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sampler.model import ObjectState, Waiting
from sampler.spool import Departed, Ended, Group, NeededContent, Resident, Worth, own_points
from sampler.storage.memory_spool_recalls import Entry


class MemoryWorth:
    """``spool.EndsLedger`` over the entries of a ledger in memory."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        """``entries`` is the ledger's own, by identifier in the order of adding."""
        self._all = entries
        self._worth: dict[str, tuple[Worth, datetime, int]] = {}
        self._lived = 0
        self._seen: Counter[str] = Counter()
        self._untold: dict[str, Ended] = {}

    def evictable(self, limit: int) -> tuple[Resident, ...]:
        """Sorted anew each time."""
        users = Counter(sha256 for _, each in self._waits(held=True) for sha256 in _sizes(each))
        found = [
            _resident(number, each, self._worth[each.event_id][0], users)
            for number, each in self._waits()
            if (each.contents or not each.attempts) and not self._all[each.event_id].uploads
        ]
        return tuple(sorted(found, key=lambda each: (own_points(each.worth, each.size_bytes), -each.number))[:limit])

    def groups(self) -> tuple[Group, ...]:
        """Added up anew each time."""
        found: dict[str, Group] = {}
        for _, waiting in self._waits():
            worth, since, _ = self._worth[waiting.event_id]
            size = len(waiting.manifest) + waiting.content_bytes
            before = found.get(worth.group, Group(worth.group, 0, 0, 0, since))
            found[worth.group] = Group(
                worth.group,
                before.objects + 1,
                before.size_bytes + size,
                max(before.severity, worth.severity),
                min(before.since, since),
            )
        return tuple(sorted(found.values(), key=lambda each: (-each.size_bytes, each.name)))

    def seen(self) -> Mapping[str, int]:
        """Counted when they were added."""
        return dict(self._seen)

    def live(self, seconds: int) -> None:
        """Added up."""
        self._lived += seconds

    def overdue(self, seconds: int, limit: int) -> tuple[str, ...]:
        """Sorted anew each time."""
        ages = sorted((self._worth[each.event_id][2], number, each.event_id) for number, each in self._waits())
        return tuple(event_id for lived, _, event_id in ages if lived <= self._lived - seconds)[:limit]

    def end_all(self, ends: Sequence[Ended]) -> Departed:
        """One after the other."""
        ended, contents = [], set[str]()
        for end in ends:
            entry = self._all.get(end.event_id)
            if entry is None or entry.record.state is not ObjectState.SPOOLED:
                continue
            contents |= _sizes(entry.waiting).keys() if entry.waiting else set()
            entry.record = replace(entry.record, state=end.state, detail=end.detail, updated=end.at)
            entry.waiting, entry.due = None, None
            entry.uploads.clear()
            self._untold[end.event_id] = end
            ended.append(end.event_id)
        return Departed(tuple(ended), tuple(sorted(contents)))

    def untold(self, limit: int) -> tuple[Ended, ...]:
        """Sorted anew each time."""
        return tuple(sorted(self._untold.values(), key=lambda end: (end.at, end.event_id))[:limit])

    def told(self, event_ids: Collection[str]) -> None:
        """Forget them."""
        for event_id in event_ids:
            self._untold.pop(event_id, None)

    def make_due(self, event_ids: Collection[str] | None, now: datetime) -> int:
        """One after the other."""
        later = [
            entry
            for event_id, entry in self._all.items()
            if entry.due is not None and entry.due > now and (event_ids is None or event_id in event_ids)
        ]
        for entry in later:
            entry.due = now
        return len(later)

    def _weigh(self, event_id: str, worth: Worth, since: datetime) -> None:
        self._worth[event_id] = (worth, since, self._lived)
        self._seen[worth.group] += 1

    def _waits(self, *, held: bool = False) -> Iterator[tuple[int, Waiting]]:
        """What waits for delivery, or waits at all, by its place."""
        for number, entry in enumerate(self._all.values()):
            if entry.waiting is not None and (held or entry.record.state is ObjectState.SPOOLED):
                yield number, entry.waiting


def _sizes(waiting: Waiting) -> dict[str, int]:
    return {content.sha256: content.size for content in waiting.contents}


def _resident(number: int, waiting: Waiting, worth: Worth, users: Counter[str]) -> Resident:
    contents = tuple(NeededContent(sha256, size, users[sha256]) for sha256, size in sorted(_sizes(waiting).items()))
    return Resident(waiting.event_id, number, worth, len(waiting.manifest), contents)
