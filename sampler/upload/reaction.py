"""What a failed delivery means for its object and for all others. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sampler.errors import (
    ContentLost,
    DeliveryError,
    IdentityRefused,
    OutsideHours,
    QueueBusy,
    QueueRefused,
    QueueUnreachable,
    SamplerError,
)
from sampler.model import ObjectState
from sampler.runtime.backoff import Backoff

PROMPT: Final = Backoff(first_seconds=0.5, most_seconds=300.0)
"""For what passes by itself."""
PATIENT: Final = Backoff(first_seconds=60.0, most_seconds=900.0)
"""For what a person has to put right."""

_NO: Final = frozenset({400, 409, 413, 422})
_TAKEN_BACK: Final = "recalled"
"""The word of a queue for a submission that this host took back; a 410 alone may come from anybody on the way."""
_NOT_YOU: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Reject:
    """The queue said no to this object."""

    detail: str
    state: ObjectState = ObjectState.REJECTED
    """What it ends as."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """The object stays spooled and is tried again."""

    detail: str
    backoff: Backoff = PROMPT
    shared: bool = False
    """Whether it concerns every object, not this one alone."""
    at_least_seconds: float = 0.0
    """What the queue asked for."""


Reaction: TypeAlias = Reject | Postpone


def react(error: SamplerError) -> Reaction:
    """Nothing is ever given up but what the queue understood and refused for what it is, and what this host lost."""
    if isinstance(error, QueueRefused):
        return _refused(error)
    if isinstance(error, ContentLost):
        return Reject(str(error), ObjectState.FAILED)
    if isinstance(error, QueueBusy):
        return Postpone(str(error), shared=True, at_least_seconds=error.retry_after_seconds or 0.0)
    if isinstance(error, OutsideHours):
        return Postpone(str(error), PROMPT, at_least_seconds=error.wait_seconds)
    if isinstance(error, IdentityRefused):
        return Postpone(str(error), PATIENT, shared=True)
    if isinstance(error, QueueUnreachable):
        return Postpone(str(error), shared=True)
    if isinstance(error, DeliveryError):
        return Postpone(str(error))
    return Postpone(str(error), PATIENT)


def _refused(error: QueueRefused) -> Reaction:
    if error.code == _TAKEN_BACK:
        return Reject(str(error), ObjectState.RECALLED)
    if error.status in _NO:
        return Reject(str(error))
    if error.status in _NOT_YOU:
        detail = (
            f"{error}; this host's identity may have been refused: ask the queue's operator, or enrol the host again"
        )
        return Postpone(detail, PATIENT, shared=True)
    return Postpone(f"{error}; is the queue's URL right, and its version ours?", PATIENT)
