"""Where a flagged object can be on the host, and where a submission and a task can be on the queue."""

from __future__ import annotations

from enum import StrEnum


class ObjectState(StrEnum):
    """Where one flagged object is on the host. Each ends in exactly one final state."""

    SPOOLED = "spooled"
    """Permitted and durable on this host; waits for delivery."""
    HELD = "held"
    """A person has to approve it first."""

    DELIVERED = "delivered"
    """The queue has verified every byte it asked for."""
    DUPLICATE = "duplicate"
    """The queue had all contents already; only the manifest travelled."""
    KNOWN = "known"
    """What it is was known already, so nothing of it was sent; the verdict is in its record."""
    REFUSED = "refused"
    """Statement, consent, policy or rule does not let anything of it leave."""
    REJECTED = "rejected"
    """The queue understood the manifest and said no."""
    OVERSIZE = "oversize"
    """More bytes than the ceiling."""
    VANISHED = "vanished"
    """It was gone, or went while it was read."""
    CHANGED = "changed"
    """It changed size while it was read."""
    UNREADABLE = "unreadable"
    """Not a regular file, or the one who flagged it may not read it."""
    TIMED_OUT = "timed_out"
    """Reading or examining ran past its deadline."""
    FAILED = "failed"
    """It could not be examined: the child that parsed it died."""
    EXPIRED = "expired"
    """It waited longer than the owner lets things wait."""
    EVICTED = "evicted"
    """It waited for delivery, and made room for what is worth more, or a person took it out of the spool."""
    RECALLED = "recalled"
    """Consent was withdrawn, or it was called back, before all of it was delivered."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to an object in this state."""
        return self not in (ObjectState.SPOOLED, ObjectState.HELD)


class SubmissionState(StrEnum):
    """Where one submission is on the queue."""

    RECEIVING = "receiving"
    """Some wanted content is not verified yet."""
    QUEUED = "queued"
    """Everything wanted is verified and durable; its task waits."""
    ANALYZING = "analyzing"
    """A worker holds its task."""
    DONE = "done"
    """It has a verdict."""
    DEAD = "dead"
    """Its task failed too often; a person may requeue it."""
    CANCELLED = "cancelled"
    """A person ended its task without a verdict."""
    RECALLED = "recalled"
    """Its host took it back: what it brought is destroyed, and it is never accepted again."""
    DESTROYED = "destroyed"
    """Its time was over: what it brought is destroyed; its receipt stays."""


class TaskState(StrEnum):
    """Where one task is on the queue."""

    WAITING = "waiting"
    """Free to be leased."""
    RESTING = "resting"
    """An attempt failed; it is free again from its ``not_before`` on."""
    LEASED = "leased"
    """A worker holds it until the lease's end."""
    DONE = "done"
    """It ended with a verdict."""
    DEAD = "dead"
    """It failed as often as it may; it stays visible and can be requeued."""
    CANCELLED = "cancelled"
    """A person ended it without a verdict; it can be requeued."""


class AskState(StrEnum):
    """Where a queue's wish for more of an object is."""

    OPEN = "open"
    """Its host has not answered yet."""
    SENT = "sent"
    """Its host has spooled a submission that answers it."""
    REFUSED = "refused"
    """Statement, consent or policy does not let it leave; the reason is kept."""
    GONE = "gone"
    """The host no longer has the object."""
    EXPIRED = "expired"
    """The host did not answer in time."""


class Sampling(StrEnum):
    """How much of an object is asked for, from least to most."""

    NONE = "none"
    METADATA = "metadata"
    PARTS = "parts"
    WHOLE = "whole"

    @property
    def rank(self) -> int:
        """Position in the order from least (0) to most (3)."""
        return list(Sampling).index(self)


class WholeSwitch(StrEnum):
    """When a whole object may leave, in the words that administrators know."""

    NEVER = "never"
    PROMPT = "prompt"
    """Only after a person approved; until it can be asked for, it stays here."""
    SAFE = "safe"
    """Only kinds that are unlikely to hold personal data."""
    ALL = "all"
