"""What the host knows of one flagged object, before anyone decided what may leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sampler.model.candidate import Reason, Subject
from sampler.model.examination import ContentKind, PartKind, Problem, RuleMatch
from sampler.model.fields import Field
from sampler.model.states import Sampling

if TYPE_CHECKING:
    from sampler.model.parcel import Scope, StatementRef


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that a part belongs to a whole whose tree's root is known (``wire.proofs``)."""

    before: bytes
    """The bytes of the part's first leaf that lie before it."""
    after: bytes
    """The bytes of its last leaf that lie behind it."""
    nodes: tuple[bytes, ...]
    """The hashes beside the part's leaves, from left to right."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Something that was asked for and lies inside a part, so that its bytes do not travel twice."""

    kind: PartKind
    name: str
    offset: int
    """Bytes from the start of the part."""
    length: int
    """Bytes."""


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
    proof: Proof | None = None
    """That it belongs to the whole; derived bytes have none, their recipe has to be replayed."""
    covers: tuple[Covered, ...] = ()
    """What else lies inside; where regions overlap, a part has kind and name of the largest and covers all of them."""
    content: ContentKind | None = None
    """What a file inside is by itself, or what other derived bytes come from; ``None``: as the whole is."""


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
class Treated:
    """Of an object that the agent wrote from fields: what these were treated by before they went into it."""

    statement: StatementRef
    scopes: frozenset[Scope]
    """Those that let its fields through; a withdrawal of one stops the object."""


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
    tree_root: str = ""
    """Of the Merkle tree over the whole, hexadecimal; empty where nothing of it is sampled."""
    subject: Subject = Subject.FILE
    """What the object's bytes were taken from."""
    treated: Treated | None = None
    """For an object that the agent wrote itself; others are what they are."""
    answers: str | None = None
    """The queue's ask for more of the object that this answers."""
    follows: str | None = None
    """The submission about the same object that this adds to."""
    path: bytes | None = None
    detections: tuple[str, ...] = ()
    matches: tuple[RuleMatch, ...] = ()
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()
