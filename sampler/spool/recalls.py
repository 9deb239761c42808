"""Objects that their owner takes back, and the wish that the queue destroys what it has of one, until it confirms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from sampler.model import ObjectRecord, ObjectState, Waiting

Cause: TypeAlias = Literal["person", "consent"]


@dataclass(frozen=True, slots=True)
class Wish:
    """That the queue destroys a submission. It outlives crashes, and stays when it is fulfilled."""

    event_id: str
    cause: Cause
    asked: datetime
    confirmed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """Everything that the ledger has of one object."""

    record: ObjectRecord
    listed: ObjectState
    """Under which state it is found; anything but the record's own is a fault."""
    waiting: Waiting | None
    wish: Wish | None


class RecallsLedger(Protocol):
    """The part of a spool's ledger that takes back; each method that changes something is one transaction."""

    def take_back(self, event_id: str, wish: Wish | None, *, detail: str, now: datetime) -> tuple[str, ...]:
        """End an object as ``RECALLED`` whatever its state, and keep the wish; the contents that it needed until now.

        Nothing for one that is unknown; a wish that is there already stays as it is.
        """

    def wish(self, event_id: str) -> Wish | None:
        """The wish about an object."""

    def wishes(self, limit: int) -> tuple[Wish, ...]:
        """Those that are not confirmed, the oldest first."""

    def end_wish(self, event_id: str, *, confirmed: bool, detail: str, now: datetime) -> None:
        """The queue confirmed it; or it is dropped, since nothing had left."""

    def followers(self, event_id: str, limit: int) -> tuple[ObjectRecord, ...]:
        """What was made of the same object later, in the order of adding."""

    def booked(self, event_id: str) -> Booked | None:
        """Everything about one object."""

    def in_order(self, after: str, limit: int) -> tuple[Booked, ...]:
        """Objects in the order of their identifiers, from the one behind ``after`` on."""

    def needed(self, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Contents that some object needs, SHA-256 and bytes, in the order of their hashes."""
