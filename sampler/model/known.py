"""What a host knows of bytes that it has not sent, or need not send again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sampler.model.states import Sampling
from sampler.model.verdict import Verdict


class KnownFrom(StrEnum):
    """Who said it."""

    QUEUE = "queue"
    """The queue's verdict about something that this host had sent."""
    LOOK_UP = "look-up"
    """The queue's answer to a private look-up."""
    KNOWN_GOOD = "known-good"
    """The queue's list of known good files, which this host holds."""


@dataclass(frozen=True, slots=True)
class KnownVerdict:
    """A verdict that answers for bytes by their hash."""

    sha256: str
    """Of the whole object, lower-case hexadecimal."""
    verdict: Verdict
    source: KnownFrom
    expires: datetime
    """UTC; from then on it answers for nothing."""
    sampling: Sampling = Sampling.WHOLE
    """How much of the object it was given on: it does not answer where more would be sent now."""

    def answers(self, asked: Sampling, now: datetime) -> bool:
        """Whether it stands in for sending so much of the object."""
        return now < self.expires and asked.rank <= self.sampling.rank
