"""What the queue needs of a store to keep what came in no longer than it may; ``ports.Ledger`` is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sampler.queue.retention_rules import Due, Facts
from sampler.wire.retention_messages import HoldKind, Part


@dataclass(frozen=True, slots=True)
class Kept:
    """A submission that is kept, and until when."""

    number: int
    """As in the index."""
    submission: str
    facts: Facts
    due: Due
    policy: str
    """Digest of the rules by which it is due then."""
    contents_gone: datetime | None = None
    """When its contents were destroyed."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that retention leaves alone, whatever the rules say, until it is lifted."""

    id: str
    kind: HoldKind
    target: str
    reason: str
    placed_by: str
    placed: datetime
    lifted_by: str | None = None
    lifted: datetime | None = None


class RetentionLedger(Protocol):
    """Times, holds, and bytes that are still to be destroyed."""

    def put_kept(self, kept: Kept) -> None:
        """Record until when a submission is kept, in place of what was recorded before."""

    def kept(self, number: int) -> Kept | None:
        """Until when a submission is kept; ``None`` where that is not recorded."""

    def kept_by_others(self, policy: str, limit: int) -> tuple[Kept, ...]:
        """Submissions whose times were made by other rules than these."""

    def due(self, part: Part, now: datetime, *, after: tuple[datetime, int] | None, limit: int) -> tuple[Kept, ...]:
        """Submissions whose contents or records are due and that no hold is on; the longest first, behind ``after``.

        Contents are due that are whole and not destroyed yet; records are that do not wait for a receipt.
        """

    def is_kept_on(self, day: date, tenant: str) -> bool:
        """Whether any submission of a tenant that came on this day (UTC) is kept."""

    def release_contents(self, submission_id: str) -> None:
        """The submission offers nothing any more."""

    def end_submission(self, submission_id: str) -> tuple[str, ...]:
        """Empty its manifest, forget its task, verdicts, uploads, what it offers and is found by; the uploads' ids.

        Its receipt stays: what was proven of it still is.
        """

    def add_doomed(self, hashes: Sequence[str]) -> None:
        """Note contents whose bytes are to be destroyed."""

    def doomed(self, limit: int) -> tuple[str, ...]:
        """Contents whose bytes are to be destroyed."""

    def remove_doomed(self, sha256: str) -> None:
        """The bytes of this content are gone, or wanted again."""

    def note_policy(self, digest: str, now: datetime) -> datetime:
        """Since when these rules are in force; from now on, if others were before."""

    def add_hold(self, hold: Hold) -> None:
        """Record a hold."""

    def put_hold(self, hold: Hold) -> None:
        """Replace a hold."""

    def hold(self, hold_id: str) -> Hold | None:
        """The hold with this identifier."""

    def holds(self, *, lifted: bool, limit: int) -> tuple[Hold, ...]:
        """Holds, the newest first; those that were lifted too where that is asked."""
