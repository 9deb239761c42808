"""What the queue needs of an index over its submissions; ``ports.Ledger`` is one. The rules of ``ports`` hold.

Submissions have numbers in the order in which they came. The ledger notes by itself which of them the index is behind
on: every one that is added, and every one whose task is added or changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sampler.queue.records import Submission


@dataclass(frozen=True, slots=True)
class Behind:
    """A submission that the index is behind on."""

    number: int
    submission: Submission
    whole: bool
    """Nothing of it is in the index yet; otherwise only where it stands has changed."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A submission by its number."""

    number: int
    submission: Submission


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one look into the index yields."""

    numbers: tuple[int, ...]
    """Of submissions that have all the terms, the newest first."""
    reached: int | None
    """How far it has looked: go on below this number; ``None``: there is nothing below."""


class SearchLedger(Protocol):
    """The index: terms (numbers of 63 bits) of submissions, and similarity digests under their bands."""

    def take_behind(self, limit: int) -> tuple[Behind, ...]:
        """Take submissions off the list of those that the index is behind on, inside of a transaction; oldest first."""

    def behind(self, most: int) -> int:
        """How many there are on that list, counted up to ``most``."""

    def put_terms(self, number: int, terms: Collection[int], *, instead_of: Collection[int] = ()) -> None:
        """Let a submission be found by these terms, and no longer by those; those that it has already stay."""

    def put_digest(self, number: int, digest: str, bands: Sequence[int]) -> None:
        """Let a submission's similarity digest be found under these bands; it has one at most."""

    def digests_under(self, bands: Sequence[int], limit: int) -> frozenset[str]:
        """Digests under any of these bands; ``limit`` at most."""

    def number_at(self, moment: datetime) -> int | None:
        """The number of the first submission that came at this moment or later; ``None`` when none did."""

    def candidates(self, terms: Sequence[int], *, least: int, below: int, limit: int, reads: int) -> Candidates:
        """Submissions with all these terms and a number from ``least`` on and below ``below``, the newest first.

        Of the rarest term it reads ``reads`` entries at most. Without terms, every submission is one.
        """

    def numbered(self, numbers: Sequence[int]) -> tuple[Numbered, ...]:
        """The submissions with these numbers, the newest first."""
