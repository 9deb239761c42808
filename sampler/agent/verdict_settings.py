"""What an operator can set about verdicts on a host: how long they answer, whom they are asked of, what they start."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from sampler.limits import (
    CALL_CPU_SECONDS,
    CALL_MEMORY_MAX_BYTES,
    CALL_SECONDS,
    KNOWN_VERDICT_MAX_SECONDS,
    LOOKUP_BITS_MAX,
    LOOKUP_HOST_BITS_MAX,
    LOOKUP_SECONDS,
    PATH_MAX_BYTES,
)
from sampler.model import Conclusion

Word = Annotated[str, Meta(max_length=PATH_MAX_BYTES, pattern="^[^\0]*$")]


class VerdictSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[verdicts]``: what the queue concluded, by hash."""

    max_seconds: Annotated[float, Meta(ge=0, le=3650 * 86_400.0)] = KNOWN_VERDICT_MAX_SECONDS
    """How long a verdict answers for the same bytes at most; 0: everything that is flagged is sent."""


class LookUpSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[lookup]``: asking about what is flagged by the first bits of its hash, before anything else is said."""

    enabled: bool = True
    """Whether what is flagged is looked up; ``sampler lookup`` asks in any case."""
    bits_max: Annotated[int, Meta(ge=0, le=LOOKUP_BITS_MAX)] = LOOKUP_HOST_BITS_MAX
    """So many bits of a hash are told at most, however many the queue wants."""
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = LOOKUP_SECONDS
    """How long a flagged object waits for the answer; then it is sent."""


class KnownGoodSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[known_good]``: the queue's list of known good files."""

    enabled: bool = True
    """Whether it is fetched, and what is in it is not sent, unless a rule of high or critical severity matched."""


class OnVerdictSection(Struct, frozen=True, forbid_unknown_fields=True):
    """``[on_verdict]``: a command of the administrator's, run once for each flagged object that has a verdict."""

    command: Annotated[list[Word], Meta(max_length=64)] = []
    """Program, by its absolute path, and arguments; no shell is involved. Empty: none."""
    user: Annotated[str, Meta(max_length=64)] = ""
    """As whom it runs; empty: as the agent's own user."""
    conclusions: tuple[Conclusion, ...] = (Conclusion.MALICIOUS, Conclusion.SUSPICIOUS, Conclusion.BENIGN)
    """Which verdicts it is run for."""
    parallel: Annotated[int, Meta(ge=1, le=64)] = 2
    """Runs at once."""
    attempts: Annotated[int, Meta(ge=1, le=1000)] = 10
    """Runs that may fail before it is given up."""
    timeout_seconds: Annotated[float, Meta(gt=0, le=3600)] = CALL_SECONDS
    """One run; then it is killed, and counts as failed."""
    cpu_seconds: Annotated[int, Meta(gt=0)] = CALL_CPU_SECONDS
    memory_max_bytes: Annotated[int, Meta(gt=0)] = CALL_MEMORY_MAX_BYTES
    """Address space of one process."""
