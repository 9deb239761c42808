"""What the host knows of one flagged object, before anyone decided what may leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sampler.model.candidate import Reason
from sampler.model.examination import ContentKind, PartKind, Problem, RuleMatch
from sampler.model.fields import Field
from sampler.model.states import Sampling


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a whole object, or bytes derived from it: where or how they are found, and what they hash to."""

    kind: PartKind
    name: str
    offset: int
    """Bytes from the start of the whole; 0 for derived bytes."""
    length: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal, of the part's own bytes."""
    recipe: tuple[str, ...] = ()
    """How the bytes are made from the whole, step by step; empty for a stretch of it."""


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that was asked for and is not sent, and why."""

    what: str
    """``whole``, ``parts``, or ``section:.text`` and the like."""
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What the matching rules and the policy ask for, before anyone looked whether the object has it."""

    sampling: Sampling
    selectors: tuple[str, ...] = ()
    """``header``, ``section:.text``, ``section``, ``overlay``, ``matches`` …; a rule's ``parts`` metadata."""
    context_bytes: int = 0
    """How much around a match is taken, on each side."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rules and the policy ask for: how much, which parts, and what of it did not fit."""

    sampling: Sampling
    parts: tuple[Part, ...] = ()
    omissions: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """All that is known of one object. It never leaves the host as it is; ``permit`` makes a ``Parcel`` from it."""

    event_id: str
    created: datetime
    """UTC."""
    reason: Reason
    sha256: str
    size: int
    kind: ContentKind
    mime_type: str
    ruleset_version: str
    plan: Plan
    path: bytes | None = None
    detections: tuple[str, ...] = ()
    matches: tuple[RuleMatch, ...] = ()
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()
