"""The index over submissions in memory, as a part of the queue's ledger that forgets everything with the process.

Numbers are places in the order of submissions, from 1. It notes nothing: what it is behind on is told by comparing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sampler.queue import Behind, Candidates, Numbered, Submission, Task


@dataclass(frozen=True, slots=True)
class SearchTables:
    """What is kept. ``copy.copy`` of it is one that changes on its own."""

    terms: dict[int, frozenset[int]] = field(default_factory=dict)
    digests: dict[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    taken: dict[str, Task | None] = field(default_factory=dict)
    """Submissions as they stood when they were last taken to be indexed."""

    def __copy__(self) -> SearchTables:
        return SearchTables({**self.terms}, {**self.digests}, {**self.taken})


class MemorySearch(ABC):
    """The part of ``queue.Ledger`` that finds submissions."""

    @property
    @abstractmethod
    def _index(self) -> SearchTables:
        """The tables as they are now."""

    @property
    @abstractmethod
    def _submissions(self) -> dict[str, Submission]:
        """All of them, in the order in which they came."""

    @abstractmethod
    def task_of(self, submission_id: str) -> Task | None:
        """The task of a submission."""

    def take_behind(self, limit: int) -> tuple[Behind, ...]:
        """Take submissions off the list."""
        found = self._behind()[:limit]
        for each in found:
            self._index.taken[each.submission.id] = self.task_of(each.submission.id)
        return tuple(found)

    def behind(self, most: int) -> int:
        """How many there are on that list."""
        return min(most, len(self._behind()))

    def put_terms(self, number: int, terms: Collection[int], *, instead_of: Collection[int] = ()) -> None:
        """Let a submission be found by these terms, and no longer by those."""
        before = self._index.terms.get(number, frozenset())
        self._index.terms[number] = (before - frozenset(instead_of)) | frozenset(terms)

    def put_digest(self, number: int, digest: str, bands: Sequence[int]) -> None:
        """Let a submission's similarity digest be found under these bands."""
        self._index.digests.setdefault(number, (digest, tuple(bands)))

    def digests_under(self, bands: Sequence[int], limit: int) -> frozenset[str]:
        """Digests under any of these bands."""
        standing = dict(self._standing())
        found = {
            digest
            for number, (digest, under) in self._index.digests.items()
            if number in standing and not set(bands).isdisjoint(under)
        }
        return frozenset(sorted(found)[:limit])

    def number_at(self, moment: datetime) -> int | None:
        """The number of the first submission that came at this moment or later."""
        found = [(each.received, number) for number, each in self._numbered() if each.received >= moment]
        return min(found)[1] if found else None

    def candidates(self, terms: Sequence[int], *, least: int, below: int, limit: int, reads: int) -> Candidates:
        """Submissions with all these terms, the newest first."""
        standing = self._standing() if terms else self._numbered()
        within = [number for number, _ in reversed(standing) if least <= number < below]
        along = [number for number in within if not terms or self._has(number, terms)]
        numbers, read = tuple(along[:limit]), along[:reads]
        if len(numbers) >= limit:
            return Candidates(numbers, numbers[-1])
        return Candidates(tuple(read), read[-1] if len(read) >= reads else None)

    def numbered(self, numbers: Sequence[int]) -> tuple[Numbered, ...]:
        """The submissions with these numbers."""
        return tuple(Numbered(number, each) for number, each in reversed(self._numbered()) if number in numbers)

    def _has(self, number: int, terms: Sequence[int]) -> bool:
        return self._index.terms.get(number, frozenset()).issuperset(terms)

    def _behind(self) -> list[Behind]:
        taken = self._index.taken
        return [
            Behind(number, each, each.id not in taken)
            for number, each in self._standing()
            if each.id not in taken or taken[each.id] != self.task_of(each.id)
        ]

    def _numbered(self) -> list[tuple[int, Submission]]:
        return list(enumerate(self._submissions.values(), 1))

    def _standing(self) -> list[tuple[int, Submission]]:
        """Those of which there is something to be found by."""
        return [(number, each) for number, each in self._numbered() if each.manifest]
