"""What is left of a submission that was taken back. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sampler.errors import Recalled
from sampler.wire.recall_messages import Cause, RecallConfirmation


@dataclass(frozen=True, slots=True)
class Recall:
    """A tombstone. It is written before anything is destroyed, and says what has to be."""

    submission: str
    device: str
    cause: Cause
    asked: datetime
    task: str | None = None
    """The task that ended by it; whoever still holds its lease is told so."""
    doomed: tuple[str, ...] = ()
    """Contents (SHA-256) that nobody else offers: to be destroyed, and destroyed once ``done`` is there."""
    kept: tuple[str, ...] = ()
    """Contents that another submission offers too."""
    done: datetime | None = None
    """When the last content was destroyed."""

    def confirmation(self) -> RecallConfirmation:
        """What the host gets; the same bytes whenever it asks.

        Raises:
            ValueError: not everything is destroyed yet.
        """
        if self.done is None:
            raise ValueError(f"submission {self.submission} is not destroyed yet")
        return RecallConfirmation(
            submission=self.submission,
            device=self.device,
            cause=self.cause,
            asked=self.asked,
            done=self.done,
            destroyed=self.doomed,
            kept=self.kept,
        )

    def refusal(self, what: str) -> Recalled:
        """Why nothing can be done any more with something that belonged to it."""
        return Recalled(
            f"{what}: its host took submission {self.submission} back at {self.asked:%Y-%m-%dT%H:%M:%SZ}; delete what "
            "you have of it"
        )


def ended(recall: Recall, offered_again: Collection[str], now: datetime) -> Recall:
    """The recall once its contents are destroyed, but for those that another host has offered meanwhile."""
    return replace(
        recall,
        doomed=tuple(sha256 for sha256 in recall.doomed if sha256 not in offered_again),
        kept=tuple(sorted({*recall.kept, *offered_again})),
        done=now,
    )
