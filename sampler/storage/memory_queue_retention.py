"""Retention and statistics over submissions in memory, as a part of the queue's ledger that forgets everything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sampler.errors import Conflict
from sampler.queue import Count, Hold, Kept, Rollup, Submission, Task
from sampler.wire.retention_messages import HoldKind, Part
from sampler.wire.rollup_messages import Dimension

_ALL: Final = 10**9


@dataclass(slots=True)
class RetentionTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    kept: dict[int, Kept] = field(default_factory=dict)
    doomed: set[str] = field(default_factory=set)
    holds: dict[str, Hold] = field(default_factory=dict)
    rollups: dict[Rollup, Count] = field(default_factory=dict)
    policy: tuple[str, datetime] | None = None

    def __copy__(self) -> RetentionTables:
        return RetentionTables({**self.kept}, {*self.doomed}, {**self.holds}, {**self.rollups}, self.policy)


class MemoryRetention(ABC):
    """The part of ``queue.Ledger`` that keeps what came in no longer than it may, and counts it."""

    @property
    @abstractmethod
    def _retention(self) -> RetentionTables:
        """The tables as they are now."""

    @property
    @abstractmethod
    def _submissions(self) -> dict[str, Submission]:
        """All of them, in the order in which they came."""

    @abstractmethod
    def offered(self, submission_id: str) -> tuple[str, ...]:
        """The contents that it offers."""

    @abstractmethod
    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""

    @abstractmethod
    def receipts_due(self, limit: int) -> tuple[Submission, ...]:
        """Submissions whose receipt is still to come."""

    def put_kept(self, kept: Kept) -> None:
        """Record until when a submission is kept."""
        self._retention.kept[kept.number] = kept

    def kept(self, number: int) -> Kept | None:
        """Until when a submission is kept."""
        return next((kept for kept in self._all() if kept.number == number), None)

    def kept_by_others(self, policy: str, limit: int) -> tuple[Kept, ...]:
        """Submissions whose times were made by other rules."""
        return tuple([kept for kept in self._all() if kept.policy != policy][:limit])

    def due(self, part: Part, now: datetime, *, after: tuple[datetime, int] | None, limit: int) -> tuple[Kept, ...]:
        """Submissions that are due and that no hold is on."""
        order = [(_moment(part, kept), kept.number, kept) for kept in self._all() if self._can_go(part, kept)]
        found = [each for each in sorted(order, key=lambda each: each[:2]) if each[0] <= now]
        behind = [each for each in found if after is None or each[:2] > after]
        return tuple(kept for _, _, kept in behind[:limit])

    def is_kept_on(self, day: date, tenant: str) -> bool:
        """Whether any submission of a tenant that came on this day is kept."""
        return any((kept.facts.day, kept.facts.tenant) == (day, tenant) for kept in self._all())

    def add_doomed(self, hashes: Sequence[str]) -> None:
        """Note contents whose bytes are to be destroyed."""
        self._retention.doomed.update(hashes)

    def doomed(self, limit: int) -> tuple[str, ...]:
        """Contents whose bytes are to be destroyed."""
        return tuple(sorted(self._retention.doomed)[:limit])

    def remove_doomed(self, sha256: str) -> None:
        """The bytes of this content are gone, or wanted again."""
        self._retention.doomed.discard(sha256)

    def note_policy(self, digest: str, now: datetime) -> datetime:
        """Since when these rules are in force."""
        if self._retention.policy is None or self._retention.policy[0] != digest:
            self._retention.policy = (digest, now)
        return self._retention.policy[1]

    def add_hold(self, hold: Hold) -> None:
        """Record a hold."""
        if hold.id in self._retention.holds:
            raise Conflict(f"hold {hold.id} exists already")
        self._retention.holds[hold.id] = hold

    def put_hold(self, hold: Hold) -> None:
        """Replace a hold."""
        self._retention.holds[hold.id] = hold

    def hold(self, hold_id: str) -> Hold | None:
        """The hold with this identifier."""
        return self._retention.holds.get(hold_id)

    def holds(self, *, lifted: bool, limit: int) -> tuple[Hold, ...]:
        """Holds, the newest first."""
        found = [hold for hold in reversed(self._retention.holds.values()) if lifted or hold.lifted is None]
        return tuple(found[:limit])

    def add_rollup(self, changes: Mapping[Rollup, Count]) -> None:
        """Add to cells; one that comes to nothing is not there."""
        table = self._retention.rollups
        for cell, count in changes.items():
            table[cell] = table.get(cell, Count(0, 0)) + count
            if table[cell].objects <= 0:
                del table[cell]

    def rollups_there(self, cells: Sequence[Rollup]) -> frozenset[Rollup]:
        """Which of these cells are there."""
        return frozenset(self._retention.rollups).intersection(cells)

    def rollup_count(self, day: date, tenant: str) -> int:
        """How many cells there are of one day and tenant."""
        return len(self.rollup_cells(day, tenant))

    def rollup_cells(self, day: date, tenant: str) -> dict[Rollup, Count]:
        """All cells of one day and tenant."""
        table = self._retention.rollups
        return {cell: count for cell, count in table.items() if (cell.day, cell.tenant) == (day, tenant)}

    def rollups(
        self, since: date, until: date, *, tenant: str | None, dimension: Dimension | None, limit: int
    ) -> dict[Rollup, Count]:
        """Cells from one day to another."""
        found = [
            cell
            for cell in sorted(self._retention.rollups)
            if since <= cell.day <= until and tenant in (None, cell.tenant) and dimension in (None, cell.dimension)
        ]
        return {cell: self._retention.rollups[cell] for cell in found[:limit]}

    def _all(self) -> list[Kept]:
        """Those of which there still is something."""
        return [kept for kept in self._retention.kept.values() if self._submissions[kept.submission].manifest]

    def _can_go(self, part: Part, kept: Kept) -> bool:
        if part is Part.CONTENTS:
            ready = kept.contents_gone is None and self.task_of(kept.submission) is not None
        else:
            ready = kept.submission not in {each.id for each in self.receipts_due(_ALL)}
        return ready and not any(self._is_on(hold, kept) for hold in self.holds(lifted=False, limit=_ALL))

    def _is_on(self, hold: Hold, kept: Kept) -> bool:
        if hold.kind is HoldKind.CONTENT:
            return hold.target in self.offered(kept.submission)
        return hold.target == (kept.submission if hold.kind is HoldKind.SUBMISSION else kept.facts.device)


def _moment(part: Part, kept: Kept) -> datetime:
    return kept.due.contents if part is Part.CONTENTS else kept.due.records
